import type { ISnapshot } from '../../../labextension/src/server/messages';
import type { Box } from '../../../labextension/src/server/voxels';
import type {
  IMark,
  ISegment,
  SegmentState,
  Triple
} from '../../../labextension/src/server/types';
import { fullMark, fullSegment } from '../../../labextension/src/server/wire';
import { segmentsEdit } from '../../../labextension/src/editor/labels/delta';
import type { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import type { LabelSession } from '../../../labextension/src/editor/labels/label_session';
import { Stroke } from '../../../labextension/src/editor/labels/stroke';

/** Numbers from 0 to 1 that are the same every time (mulberry32). */
export class Dice {
  constructor(private _state: number) {}

  next(): number {
    this._state = (this._state + 0x6d2b79f5) | 0;
    let t = Math.imul(this._state ^ (this._state >>> 15), 1 | this._state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  hex(digits: number): string {
    return Array.from({ length: digits }, () =>
      this.below(16).toString(16)
    ).join('');
  }
}

const STATES: readonly SegmentState[] = [
  ...(['not-started', 'in-progress', 'completed', 'flagged'] as const)
];

/** Everything a reader can do to a layer, done at random as the editor's parts do it. */
export class RandomWork {
  constructor(
    private readonly _session: LabelSession,
    private readonly _dice: Dice,
    /** Segments get numbers from here on. */
    private readonly _firstId = 1,
    /** Replacing everything by a file is part of it. */
    private readonly _replaces = true
  ) {}

  /** One step of the history, or nothing where it does not apply. */
  async step(): Promise<void> {
    const kinds: [number, () => void | Promise<unknown>][] = [
      [40, () => this._stroke()],
      [6, () => this._propose()],
      [6, () => this._addSegment()],
      [12, () => this._changeSegment()],
      [5, () => this._reorder()],
      [3, () => this._remove()],
      [12, () => this._mark()],
      [2, () => this._import()]
    ];
    let pick = this._dice.next() * kinds.reduce((sum, [n]) => sum + n, 0);
    for (const [weight, act] of kinds) {
      pick -= weight;
      if (pick < 0) {
        await act();
        return;
      }
    }
  }

  private _stroke(): void {
    const mine = this._mine().filter(({ locked }) => !locked);
    const erases = this._dice.next() < 0.2;
    const segment = this._dice.one(mine)?.id;
    if (segment === undefined) {
      return;
    }
    const rule = { overwrites: 'everything', segment, erases } as const;
    this._session.hold();
    const stroke = paint(
      ...([this._map, randomBox(this._map.shape, this._dice)] as const),
      ...([erases ? 0 : segment, this._map.writable(rule)] as const)
    );
    this._session.commitLater(stroke.coding());
  }

  /** As an accepted proposal: a new segment, and its voxels. */
  private _propose(): void {
    this._session.flush();
    const { segments } = this._map;
    const added = this._newSegment();
    const edit = segmentsEdit(segments, [...segments, added]);
    this._map.setSegments([...segments, added]);
    const segment = added.id;
    const rule = { overwrites: 'everything', segment, erases: false } as const;
    const stroke = paint(
      ...([this._map, randomBox(this._map.shape, this._dice)] as const),
      ...([added.id, this._map.writable(rule)] as const)
    );
    const voxels = stroke.finish();
    this._session.commit(voxels ? [edit, voxels] : [edit]);
  }

  private _addSegment(): void {
    const after = [...this._map.segments];
    after.splice(this._dice.below(after.length + 1), 0, this._newSegment());
    this._session.commitSegments(after);
  }

  private _changeSegment(): void {
    const chosen = this._dice.one(this._mine());
    if (!chosen) {
      return;
    }
    const changes: Partial<ISegment>[] = [
      { name: `name ${this._dice.hex(3)}` },
      { color: `#${this._dice.hex(6)}` },
      { locked: !chosen.locked },
      { locked: false },
      { visible: !chosen.visible },
      { opacity: this._dice.below(101) },
      { outlined: !chosen.outlined },
      { state: this._dice.one(STATES) },
      { code: { scheme: 'SCT', value: this._dice.hex(4), meaning: 'm' } }
    ];
    const change = this._dice.one(changes);
    this._session.commitSegments(
      this._map.segments.map(segment =>
        segment.id === chosen.id ? { ...segment, ...change } : segment
      )
    );
  }

  private _reorder(): void {
    const after = [...this._map.segments];
    const [moved] = after.splice(this._dice.below(after.length), 1);
    if (moved) {
      after.splice(this._dice.below(after.length + 1), 0, moved);
      this._session.commitSegments(after);
    }
  }

  private _remove(): void {
    const chosen = this._dice.one(this._mine());
    if (chosen) {
      this._session.removeSegment(chosen.id);
    }
  }

  private _mark(): void {
    const mine = [...this._map.marks.values()].filter(mark =>
      mark.name.startsWith(`m${this._firstId}`)
    );
    const chosen = this._dice.one(mine);
    const what = this._dice.next();
    if (!chosen || what < 0.5) {
      this._session.commitMarks([], [this._newMark()]);
    } else if (what < 0.8) {
      const changed = { ...chosen, points: this._points(), note: 'moved' };
      this._session.commitMarks([chosen], [changed]);
    } else {
      this._session.commitMarks([chosen], []);
    }
  }

  private async _import(): Promise<void> {
    const { shape } = this._map;
    const data = new Uint8Array(this._map.data.length);
    const id = 1 + this._dice.below(9);
    fill(data, shape, randomBox(shape, this._dice), id);
    const snapshot: ISnapshot = {
      ...{ rev: 0, layer: '', shape, data, marks: [] },
      segments: [fullSegment({ id, name: `file ${this._dice.hex(2)}` })]
    };
    const isFree = data.every((label, at) => !label || !this._map.data[at]);
    if (this._replaces || isFree) {
      await this._session.takeIn([snapshot], !isFree);
    }
  }

  private _newSegment(): ISegment {
    const ids = this._mine().map(segment => segment.id);
    const id = Math.max(this._firstId - 1, ...ids) + 1;
    const name = `segment ${this._dice.hex(3)}`;
    return fullSegment({ id, name, color: `#${this._dice.hex(6)}` });
  }

  private _newMark(): IMark {
    const id = this._dice.hex(12);
    const name = `m${this._firstId} ${id.slice(0, 3)}`;
    return fullMark({ id, kind: 'line', name, points: this._points() });
  }

  private _points(): Triple[] {
    const place = () =>
      this._map.shape.map(size => this._dice.next() * size) as Triple;
    return [place(), place()];
  }

  private _mine(): ISegment[] {
    return this._map.segments.filter(
      ({ id }) => id >= this._firstId && id < this._firstId + 100
    );
  }

  private get _map(): LabelMap {
    return this._session.labels;
  }
}

export function randomBox(shape: Triple, dice: Dice): Box {
  return shape.flatMap(size => {
    const from = dice.below(size);
    return [from, Math.min(size, from + 1 + dice.below(1 + size / 3))];
  }) as Box;
}

/** Gives the box's voxels to a label, where they may be written. */
export function paint(
  map: LabelMap,
  box: Box,
  label: number,
  writable: Uint8Array
): Stroke {
  const stroke = new Stroke(map, 'brush', label);
  stroke.touch(box);
  fill(map.data, map.shape, box, label, writable);
  return stroke;
}

function fill(
  data: Uint8Array | Uint16Array,
  [I, J]: Triple,
  box: Box,
  label: number,
  writable?: Uint8Array
): void {
  for (let k = box[4]; k < box[5]; k++) {
    for (let j = box[2]; j < box[3]; j++) {
      for (let i = box[0]; i < box[1]; i++) {
        const at = i + I * (j + J * k);
        if (!writable || writable[data[at]]) {
          data[at] = label;
        }
      }
    }
  }
}

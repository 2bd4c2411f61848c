import type { IDelta } from '../../../labextension/src/server/messages';
import { encodeRuns } from '../../../labextension/src/server/run_lengths';
import type {
  IMark,
  ISegment,
  MarkKind,
  SegmentState,
  Triple
} from '../../../labextension/src/server/types';
import type { Box } from '../../../labextension/src/server/voxels';
import { fullMark, fullSegment } from '../../../labextension/src/server/wire';

/** Random edits by the rules of `tests/contract/fuzz.md`, as Python makes them too. */

const LETTERS = [
  ...['a', 'Z', '0', ' ', '"', '\\', '/', '\n', '\t', '\r', '\b', '\f'],
  ...['\u0001', '\u001f', '\u007f', 'é', 'ß', '中', '😀', '\u2028'],
  ...['\ud800', '<']
];
const KINDS: readonly MarkKind[] = [
  ...(['point', 'line', 'angle', 'rectangle', 'ellipse', 'box'] as const),
  'class'
];
const POINTS: Record<MarkKind, number> = {
  ...{ point: 1, line: 2, angle: 3, rectangle: 2, ellipse: 2, box: 2 },
  class: 0
};
const PLANES = ['axial', 'sagittal', 'coronal'] as const;
const STATES: readonly SegmentState[] = [
  ...(['not-started', 'in-progress', 'completed', 'flagged'] as const)
];
const VALUES = [0, 0, 1, 2, 255, 256, 65534, 65535];

/** xorshift32: Marsaglia, 2003, "Xorshift RNGs", the triple 13, 17, 5. */
class Chance {
  constructor(block: number) {
    this._state = Math.imul(0x9e3779b9, block + 1) >>> 0;
  }

  next(): number {
    let x = this._state;
    x = (x ^ (x << 13)) >>> 0;
    x = (x ^ (x >>> 17)) >>> 0;
    x = (x ^ (x << 5)) >>> 0;
    this._state = x;
    return x;
  }

  below(limit: number): number {
    return this.next() % limit;
  }

  one<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  flag(): boolean {
    return this.below(2) === 1;
  }

  hex8(): string {
    return this.next().toString(16).padStart(8, '0');
  }

  text(): string {
    return this.times(this.below(9), () => this.one(LETTERS)).join('');
  }

  color(): string {
    return `#${(this.next() & 0xffffff).toString(16).padStart(6, '0')}`;
  }

  times<T>(count: number, draw: () => T): T[] {
    const drawn: T[] = [];
    for (let turn = 0; turn < count; turn++) {
      drawn.push(draw());
    }
    return drawn;
  }

  private _state: number;
}

export function* randomEdits(block: number, count: number): Generator<IDelta> {
  const chance = new Chance(block);
  for (let edit = 0; edit < count; edit++) {
    yield randomEdit(chance);
  }
}

function randomEdit(chance: Chance): IDelta {
  const delta: IDelta = {
    scan: chance.hex8() + chance.hex8(),
    layer: chance.one(['labels', 'Ebene 2', 'a_b-c']),
    rev: chance.flag() ? null : chance.below(1000000),
    base: chance.below(1000000),
    session: chance.hex8(),
    seq: chance.below(1000000),
    tool: chance.one(['brush', 'undo', 'import', 'segments', 'marks']),
    seg: chance.below(65536),
    box: null,
    before: new Uint8Array(0),
    after: new Uint8Array(0)
  };
  const hasBox = chance.flag();
  const hasSegments = chance.below(3) === 0;
  const hasMarks = chance.below(3) === 0;
  if (hasBox) {
    const box = [0, 0, 0].flatMap(() => {
      const start = chance.below(500);
      return [start, start + 1 + chance.below(12)];
    }) as Box;
    const size = (box[1] - box[0]) * (box[3] - box[2]) * (box[5] - box[4]);
    delta.box = box;
    delta.before = encodeRuns(labels(chance, size));
    delta.after = encodeRuns(labels(chance, size));
  }
  if (hasSegments) {
    delta.segments = { before: segments(chance), after: segments(chance) };
  }
  if (hasMarks) {
    const marks = () => chance.times(chance.below(4), () => mark(chance));
    delta.marks = { before: marks(), after: marks() };
  }
  if (chance.flag()) {
    delta.by = chance.hex8();
  }
  if (chance.flag()) {
    delta.step = chance.below(1000000);
  }
  if (chance.below(4) === 0) {
    const what = chance.one(['undo', 'redo'] as const);
    delta.turn = [what, chance.hex8(), chance.below(1000000)];
  }
  return delta;
}

function labels(chance: Chance, size: number): Uint16Array {
  const all = new Uint16Array(size);
  for (let at = 0; at < size;) {
    const longest = chance.below(4) === 0 ? 200 : 5;
    const length = 1 + chance.below(longest);
    all.fill(chance.one(VALUES), at, at + length);
    at += length;
  }
  return all;
}

function segments(chance: Chance): ISegment[] {
  let id = 0;
  return chance.times(chance.below(4), () => {
    id += 1 + chance.below(1000);
    const segment = {
      id,
      name: `s${chance.text()}`,
      color: chance.color(),
      locked: chance.flag(),
      visible: chance.flag(),
      opacity: chance.below(101),
      outlined: chance.flag(),
      state: chance.one(STATES)
    };
    const code =
      chance.below(3) === 0
        ? {
            scheme: `S${chance.text()}`,
            value: `v${chance.text()}`,
            meaning: `m${chance.text()}`
          }
        : null;
    return fullSegment({ ...segment, code });
  });
}

function mark(chance: Chance): IMark {
  const id =
    chance.hex8() + (chance.next() & 0xffff).toString(16).padStart(4, '0');
  const kind = chance.one(KINDS);
  const name = chance.text();
  const color = chance.flag() ? chance.color() : null;
  const segment = chance.flag() ? 1 + chance.below(65535) : null;
  const isClass = kind === 'class';
  const scope = isClass
    ? chance.one(['study', 'image', 'slice'] as const)
    : null;
  const isFlat =
    scope === 'slice' || kind === 'rectangle' || kind === 'ellipse';
  const plane = chance.one(isFlat ? PLANES : [null, ...PLANES]);
  const count = scope === 'slice' ? 1 : POINTS[kind];
  const coordinate = () =>
    (chance.below(2000001) - 1000000) / chance.one([1, 2, 3, 7, 8, 1000, 4096]);
  const points = chance.times(
    count,
    () => chance.times(3, coordinate) as Triple
  );
  if (kind === 'rectangle' || kind === 'ellipse') {
    points[1][2] = points[0][2];
  }
  const value = isClass
    ? `v${chance.text()}`
    : chance.flag()
      ? chance.text()
      : null;
  const note = chance.text();
  return fullMark({
    ...{ id, kind, name, color, segment, plane, points, scope, value, note }
  });
}

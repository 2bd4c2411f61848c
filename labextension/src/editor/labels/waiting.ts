import type { IChange, IDelta } from '../../server/messages';
import { decodeRuns, encodeRuns } from '../../server/run_lengths';
import type { ISegment } from '../../server/types';
import type { Box } from '../../server/voxels';

import { sizeOf } from './box';
import {
  applyEdit,
  type Edit,
  emptyEdit,
  inverted,
  isEmptyEdit
} from './delta';
import type { LabelMap } from './label_map';
import { isSame } from './lists';
import { rebase } from './rebase';

/** What a reader is told about an edit that others came between. */
export interface IConflict {
  /**
   * `overlap`: others drew at the same place, ours lies on top of theirs.
   * `locked`: others locked it, ours was left out.
   * `item`: others changed the same segment or mark as well.
   * `renumbered`: others added a segment with the same number, ours got another one.
   */
  kind: 'overlap' | 'locked' | 'item' | 'renumbered';
  /** Names of segments and marks. */
  names: string[];
  /** 0 where it is not about voxels. */
  voxels: number;
  /** For `renumbered`. */
  from?: number;
  to?: number;
}

/**
 * Edits that the server has not acknowledged. The map shows them on top of what it has:
 * `lift` takes them off, `putBack` puts them on what others did meanwhile.
 */
export class Waiting {
  constructor(private readonly _map: LabelMap) {}

  /** Oldest first. Steps of the history hold the same objects. */
  readonly edits: IDelta[] = [];

  find(session: string, seq: number): IDelta | undefined {
    return this.edits.find(
      delta => delta.session === session && delta.seq === seq
    );
  }

  /** @returns whether it was there */
  forget(session: string, seq: number): boolean {
    const delta = this.find(session, seq);
    if (delta) {
      this.edits.splice(this.edits.indexOf(delta), 1);
    }
    return !!delta;
  }

  lift(): void {
    for (const delta of [...this.edits].reverse()) {
      applyEdit(this._map, inverted(delta));
    }
  }

  /**
   * @param options.mayHoldOurs - the map may hold some of the edits already (a snapshot
   *   whose acknowledgements were lost)
   * @param options.from - the edits before this one are in the map
   * @param options.forget - called for each edit of which nothing is left to save
   * @param options.keep - called for each that is another one now
   * @returns what the reader should be told
   */
  putBack(options: {
    mayHoldOurs: boolean;
    from?: number;
    forget: (delta: IDelta) => void;
    keep: (delta: IDelta) => void;
  }): IConflict[] {
    const { mayHoldOurs, from = 0, forget, keep } = options;
    const edits = this.edits.slice(from);
    const conflicts = edits.flatMap((_, at) =>
      renumber(this._map, edits.slice(at), mayHoldOurs)
    );
    for (const delta of edits) {
      const now = rebase(this._map, delta, { sparesLocked: true });
      conflicts.push(...this._conflicts(now));
      if (now.edit) {
        applyEdit(this._map, now.edit);
        if (now.edit.before !== delta.before || !delta.box) {
          setEdit(delta, now.edit);
          keep(delta);
        }
      } else {
        // Others did the very same, or locked it. Who reads the journal must still
        // learn that a step was undone.
        setEdit(delta, emptyEdit(delta.tool));
        if (delta.turn) {
          keep(delta);
        } else {
          forget(delta);
        }
      }
    }
    return conflicts;
  }

  private _conflicts({
    overlaps,
    locked,
    items
  }: ReturnType<typeof rebase>): IConflict[] {
    const about = (kind: IConflict['kind'], counts: Map<number, number>) => ({
      kind,
      names: [...counts.keys()].map(id => this._map.segment(id)?.name ?? ''),
      voxels: [...counts.values()].reduce((sum, count) => sum + count, 0)
    });
    const found = [about('overlap', overlaps), about('locked', locked)];
    const conflicts: IConflict[] = found.filter(({ voxels }) => voxels > 0);
    if (items.length > 0) {
      conflicts.push({ kind: 'item', names: items, voxels: 0 });
    }
    return conflicts;
  }
}

/**
 * Gives another number to the segments that the first of the edits adds, and the map has.
 *
 * @param exceptSame - one that is alike in everything is taken for the very same
 */
export function renumber(
  map: LabelMap,
  edits: readonly Edit[],
  exceptSame: boolean
): IConflict[] {
  const conflicts: IConflict[] = [];
  for (const added of addedBy(edits[0].segments)) {
    const theirs = map.segment(added.id);
    if (theirs && !(exceptSame && isSame(theirs, added))) {
      const lists = edits.map(({ segments }) => segments?.after ?? []);
      const all = [...map.segments, ...lists.flat()];
      const [from, to] = [added.id, Math.max(...all.map(({ id }) => id)) + 1];
      edits.forEach(edit => relabel(edit, from, to));
      conflicts.push({
        ...{ kind: 'renumbered', names: [added.name], voxels: 0, from, to }
      });
    }
  }
  return conflicts;
}

/** Makes `delta` say what `edit` says, and keeps its place in step and journal. */
function setEdit(delta: IDelta, edit: Edit): void {
  const { box, before, after, segments, marks } = edit;
  Object.assign(delta, { box, before, after });
  delete delta.segments;
  delete delta.marks;
  Object.assign(delta, segments && { segments }, marks && { marks });
  if (isEmptyEdit(edit)) {
    delta.marks = { before: [], after: [] };
  }
}

function addedBy(change: IChange<ISegment> | undefined): ISegment[] {
  const known = new Set(change?.before.map(({ id }) => id));
  return change?.after.filter(({ id }) => !known.has(id)) ?? [];
}

/** Changes the number of a segment in everything an edit says. */
export function relabel(delta: Edit, from: number, to: number): void {
  if (delta.seg === from) {
    delta.seg = to;
  }
  if (delta.box) {
    delta.before = relabelled(delta.before, delta.box, from, to);
    delta.after = relabelled(delta.after, delta.box, from, to);
  }
  for (const list of [delta.segments?.before, delta.segments?.after]) {
    list?.forEach((item, at) => {
      if (item.id === from) {
        list[at] = { ...item, id: to };
      }
    });
  }
  for (const list of [delta.marks?.before, delta.marks?.after]) {
    list?.forEach((mark, at) => {
      if (mark.segment === from) {
        list[at] = { ...mark, segment: to };
      }
    });
  }
}

function relabelled(
  runs: Uint8Array,
  box: Box,
  from: number,
  to: number
): Uint8Array {
  const labels = decodeRuns(runs, new Uint16Array(sizeOf(box)));
  return encodeRuns(labels.map(label => (label === from ? to : label)));
}

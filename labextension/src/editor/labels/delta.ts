import type { IDelta } from '../../server/messages';
import { decodeRuns, encodeRuns } from '../../server/run_lengths';
import type { IMark, ISegment } from '../../server/types';
import type { Box, Labels } from '../../server/voxels';
import { fullMark, fullSegment } from '../../server/wire';

import { sizeOf } from './box';
import type { LabelMap } from './label_map';
import { mergeMarks, mergeSegments } from './lists';

/** What an edit changes, before it has a place in the journal. */
export type Edit = Pick<
  IDelta,
  'tool' | 'seg' | 'box' | 'before' | 'after' | 'segments' | 'marks'
>;

const NOTHING = new Uint8Array(0);
const NO_VOXELS = { box: null, before: NOTHING, after: NOTHING };

export function voxelEdit(
  tool: string,
  seg: number,
  box: Box,
  before: Labels,
  after: Labels
): Edit {
  const runs = { before: encodeRuns(before), after: encodeRuns(after) };
  return { tool, seg, box, ...runs };
}

/** The order of the segments is part of the edit. */
export function segmentsEdit(
  before: readonly ISegment[],
  after: readonly ISegment[]
): Edit {
  return {
    ...{ tool: 'segments', seg: 0, ...NO_VOXELS },
    segments: { before: before.map(fullSegment), after: after.map(fullSegment) }
  };
}

/** @param before - the marks as they were, only those that change; as for `after` */
export function marksEdit(
  before: readonly IMark[],
  after: readonly IMark[]
): Edit {
  return {
    ...{ tool: 'marks', seg: 0, ...NO_VOXELS },
    marks: { before: before.map(fullMark), after: after.map(fullMark) }
  };
}

/** An edit that changes nothing: it says that a step was undone, or done again. */
export function emptyEdit(tool: string): Edit {
  return { ...marksEdit([], []), tool };
}

export function isEmptyEdit(edit: Edit): boolean {
  const { marks } = edit;
  const hasMarks = !!marks && marks.before.length + marks.after.length > 0;
  return !edit.box && !edit.segments && !hasMarks;
}

/**
 * Writes the voxels an edit changes (`before` differs from `after`) into the map, its
 * segment list and its marks.
 */
export function applyEdit(map: LabelMap, edit: Edit): void {
  if (edit.segments) {
    map.setSegments(mergeSegments(map.segments, edit.segments));
  }
  if (edit.marks && !isEmptyEdit(edit)) {
    map.setMarks(mergeMarks(map.marks, edit.marks));
  }
  if (!edit.box) {
    return;
  }
  const [i0, i1, j0, j1] = edit.box;
  const k0 = edit.box[4];
  const width = i1 - i0;
  const height = j1 - j0;
  const [I, J] = map.shape;
  const { data } = map;
  eachChange(edit, (from, to, _before, after) => {
    for (let at = from; at < to;) {
      const row = Math.floor(at / width);
      const end = Math.min(to, (row + 1) * width);
      const j = j0 + (row % height);
      const k = k0 + Math.floor(row / height);
      const start = i0 + (at - row * width) + I * (j + J * k);
      data.fill(after, start, start + end - at);
      at = end;
    }
  });
  map.changed.emit({ box: edit.box, segments: false });
}

/** Calls `visit` for each stretch of the box that changes, in order. */
export function eachChange(
  edit: Pick<Edit, 'before' | 'after'>,
  visit: (from: number, to: number, before: number, after: number) => void
): void {
  const a = viewOf(edit.before);
  const b = viewOf(edit.after);
  let runA = 0;
  let runB = 0;
  let endA = 0;
  let endB = 0;
  let at = 0;
  while (true) {
    if (at === endA) {
      if (runA >= edit.before.length) {
        return;
      }
      endA += a.getUint32(runA, true);
      runA += 6;
    }
    if (at === endB) {
      if (runB >= edit.after.length) {
        return;
      }
      endB += b.getUint32(runB, true);
      runB += 6;
    }
    const end = Math.min(endA, endB);
    const before = a.getUint16(runA - 2, true);
    const after = b.getUint16(runB - 2, true);
    if (before !== after && end > at) {
      visit(at, end, before, after);
    }
    at = end;
  }
}

/** Calls `visit` for each run of a box, in order. */
export function eachRun(
  runs: Uint8Array,
  visit: (from: number, to: number, label: number) => void
): void {
  const view = viewOf(runs);
  let at = 0;
  for (let run = 0; run < runs.length; run += 6) {
    const end = at + view.getUint32(run, true);
    visit(at, end, view.getUint16(run + 4, true));
    at = end;
  }
}

/** The edit that takes `edit` back. */
export function inverted(edit: Edit, tool = 'undo'): Edit {
  const { segments, marks } = edit;
  return {
    tool: edit.box ? tool : edit.tool,
    seg: edit.seg,
    box: edit.box,
    before: edit.after,
    after: edit.before,
    ...(segments && {
      segments: { before: segments.after, after: segments.before }
    }),
    ...(marks && { marks: { before: marks.after, after: marks.before } })
  };
}

/** Voxels the edit changes. */
export function changedVoxels(edit: Edit): number {
  let count = 0;
  eachChange(edit, (from, to) => {
    count += to - from;
  });
  return count;
}

/** `before` and `after` over the edit's box, one integer a voxel. */
export function boxes(edit: Edit): { before: Uint16Array; after: Uint16Array } {
  const size = edit.box ? sizeOf(edit.box) : 0;
  return {
    before: decodeRuns(edit.before, new Uint16Array(size)),
    after: decodeRuns(edit.after, new Uint16Array(size))
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

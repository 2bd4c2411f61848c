import {
  type Box,
  decodeRuns,
  encodeRuns,
  type IDelta,
  type Labels
} from '../../server/frames';
import type { ISegment } from '../../server/types';

import { copyBox, sizeOf } from './box';
import type { LabelMap } from './label_map';

/** What an edit changes, before it has a place in the journal. */
export type Edit = Pick<
  IDelta,
  'tool' | 'seg' | 'box' | 'before' | 'after' | 'segments'
>;

const NOTHING = new Uint8Array(0);

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

export function segmentsEdit(before: ISegment[], after: ISegment[]): Edit {
  return {
    ...{ tool: 'segments', seg: 0, box: null, before: NOTHING, after: NOTHING },
    segments: { before, after }
  };
}

/**
 * Writes the voxels an edit changes (`before` differs from `after`) into the map, and
 * its segment list.
 */
export function applyEdit(map: LabelMap, edit: Edit): void {
  if (edit.segments) {
    map.setSegments(mergeSegments(map.segments, edit.segments));
  }
  if (!edit.box) {
    return;
  }
  const [i0, i1, j0, j1] = edit.box;
  const k0 = edit.box[4];
  const width = i1 - i0;
  const height = j1 - j0;
  const [I, J] = map.shape;
  eachChange(edit, (from, to, _before, after) => {
    for (let at = from; at < to;) {
      const row = Math.floor(at / width);
      const end = Math.min(to, (row + 1) * width);
      const j = j0 + (row % height);
      const k = k0 + Math.floor(row / height);
      const start = i0 + (at - row * width) + I * (j + J * k);
      map.data.fill(after, start, start + end - at);
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
  const a = new DataView(edit.before.buffer, edit.before.byteOffset);
  const b = new DataView(edit.after.buffer, edit.after.byteOffset);
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

/** The edit that takes `edit` back. */
export function inverted(edit: Edit, tool = 'undo'): Edit {
  return {
    tool: edit.segments && !edit.box ? 'segments' : tool,
    seg: edit.seg,
    box: edit.box,
    before: edit.after,
    after: edit.before,
    segments: edit.segments && {
      before: edit.segments.after,
      after: edit.segments.before
    }
  };
}

/**
 * The same edit on top of what the map holds now.
 *
 * Voxels the edit changes get its `after`; the others keep what others drew meanwhile.
 *
 * @param untouchedOnly - change just the voxels that still hold the edit's `before`
 *   (an undo must not take back what somebody drew later)
 * @returns null when nothing is left to change
 */
export function rebased(
  map: LabelMap,
  edit: Edit,
  untouchedOnly = false
): Edit | null {
  if (!edit.box) {
    return edit.segments
      ? segmentsEdit(map.segments, mergeSegments(map.segments, edit.segments))
      : null;
  }
  const current = copyBox(map.data, map.shape, edit.box);
  const next = current.slice();
  let count = 0;
  eachChange(edit, (from, to, before, after) => {
    for (let at = from; at < to; at++) {
      if (!untouchedOnly || current[at] === before) {
        next[at] = after;
        count += current[at] === after ? 0 : 1;
      }
    }
  });
  return count === 0
    ? null
    : voxelEdit(edit.tool, edit.seg, edit.box, current, next);
}

/**
 * Applies what happened between `before` and `after` to another list of segments:
 * additions, removals and the fields that differ.
 */
export function mergeSegments(
  current: readonly ISegment[],
  change: { before: ISegment[]; after: ISegment[] }
): ISegment[] {
  const before = new Map(change.before.map(segment => [segment.id, segment]));
  const after = new Map(change.after.map(segment => [segment.id, segment]));
  const merged = current
    .filter(segment => after.has(segment.id) || !before.has(segment.id))
    .map(segment => {
      const old = before.get(segment.id);
      const now = after.get(segment.id);
      return now ? { ...segment, ...differing(old, now) } : segment;
    });
  for (const segment of change.after) {
    const isNew = !before.has(segment.id);
    if (isNew && !merged.some(other => other.id === segment.id)) {
      merged.push(segment);
    }
  }
  return merged.sort((a, b) => a.id - b.id);
}

function differing(
  old: ISegment | undefined,
  now: ISegment
): Partial<ISegment> {
  return Object.fromEntries(
    Object.entries(now).filter(
      ([key, value]) => !old || old[key as keyof ISegment] !== value
    )
  );
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

import type { ISnapshot } from '../../server/messages';
import type { ISegment } from '../../server/types';
import type { Labels } from '../../server/voxels';

import { boxOfLabels, copyBox } from './box';
import { type Edit, marksEdit, segmentsEdit, voxelEdit } from './delta';
import type { LabelMap } from './label_map';

/** A file needs more numbers for its segments than the layer has. */
export class TooManySegments extends Error {}

/**
 * What of a file goes into the layer as one step, null if nothing, and what needs further
 * layers: segments of one layer do not overlap.
 *
 * @param replaces - the layer becomes what the file holds first
 */
export function divided(
  map: LabelMap,
  snapshots: readonly ISnapshot[],
  replaces: boolean
): { step: Edit[] | null; further: readonly ISnapshot[] } {
  const [first, ...further] = snapshots;
  if (replaces) {
    return { step: replacements(map, first), further };
  }
  return overlapsMap(map, first)
    ? { step: null, further: snapshots }
    : { step: additions(map, first), further };
}

/** Some voxel of the snapshot has a label, and one in the map too. */
export function overlapsMap(map: LabelMap, snapshot: ISnapshot): boolean {
  const { data } = snapshot;
  for (let at = 0; at < data.length; at++) {
    if (data[at] !== 0 && map.data[at] !== 0) {
      return true;
    }
  }
  return false;
}

/**
 * The edits that add a file's segments, voxels and marks to a layer, as one step. What is
 * drawn stays: a voxel that has a label keeps it.
 */
export function additions(map: LabelMap, snapshot: ISnapshot): Edit[] {
  const numbers = freeNumbers(map, snapshot.segments);
  const added = snapshot.segments.map(segment => ({
    ...segment,
    id: numbers[segment.id],
    // A lock would keep its own voxels out; it was meant for the other layer.
    locked: false
  }));
  const data = map.data.slice();
  for (let at = 0; at < data.length; at++) {
    const label = snapshot.data[at];
    if (label !== 0 && data[at] === 0) {
      data[at] = numbers[label];
    }
  }
  const segments = segmentsEdit(map.segments, [...map.segments, ...added]);
  const marks = snapshot.marks.map(mark => ({
    ...mark,
    segment: mark.segment && (numbers[mark.segment] ?? null)
  }));
  return [segments, ...voxelsOf(map, data), ...marksOf([], marks)];
}

/**
 * The edits that make the layer what the file holds, as one step. Locked segments stay as
 * they are, voxels and all.
 */
export function replacements(map: LabelMap, snapshot: ISnapshot): Edit[] {
  const locked = map.segments.filter(segment => segment.locked);
  const isLocked = new Uint8Array(65536);
  locked.forEach(({ id }) => (isLocked[id] = 1));
  const top = map.data instanceof Uint8Array ? 255 : 65535;
  if (snapshot.segments.some(({ id }) => id > top)) {
    throw new TooManySegments();
  }
  const theirs = snapshot.segments
    .filter(({ id }) => !isLocked[id])
    .map(segment => ({ ...segment, locked: false }));
  const data = map.data.slice();
  for (let at = 0; at < data.length; at++) {
    const label = snapshot.data[at];
    if (!isLocked[data[at]]) {
      data[at] = isLocked[label] ? 0 : label;
    }
  }
  const after = [...locked, ...theirs];
  const inOrder = [
    ...map.segments.flatMap(({ id }) => after.filter(each => each.id === id)),
    ...after.filter(({ id }) => !map.segment(id))
  ];
  // Segments come before their voxels, and go after them.
  const gone = map.segments.filter(
    ({ id }) => !after.some(each => each.id === id)
  );
  const between = [...inOrder, ...gone];
  return [
    segmentsEdit(map.segments, between),
    ...voxelsOf(map, data),
    ...(gone.length > 0 ? [segmentsEdit(between, inOrder)] : []),
    ...marksOf([...map.marks.values()], snapshot.marks)
  ];
}

function voxelsOf(map: LabelMap, data: Labels): Edit[] {
  const box = boxOfLabels(map.data, data, map.shape);
  return box
    ? [
        voxelEdit(
          ...(['import', 0, box] as const),
          copyBox(map.data, map.shape, box),
          copyBox(data, map.shape, box)
        )
      ]
    : [];
}

function marksOf(
  before: Parameters<typeof marksEdit>[0],
  after: Parameters<typeof marksEdit>[1]
): Edit[] {
  return before.length + after.length > 0 ? [marksEdit(before, after)] : [];
}

/** A number of the layer that is free, for each of the file's. */
function freeNumbers(
  map: LabelMap,
  segments: readonly ISegment[]
): Uint16Array {
  const top = map.data instanceof Uint8Array ? 255 : 65535;
  const numbers = new Uint16Array(65536);
  const taken = new Set(map.segments.map(({ id }) => id));
  let next = 1;
  for (const { id } of segments) {
    const isFree = id <= top && !taken.has(id);
    while (!isFree && taken.has(next)) {
      next++;
    }
    numbers[id] = isFree ? id : next;
    if (numbers[id] > top || numbers[id] === 0) {
      throw new TooManySegments();
    }
    taken.add(numbers[id]);
  }
  return numbers;
}

import type { Triple } from '../../server/types';

import type { LabelMap } from '../labels/label_map';
import type { IGrid } from '../view/geometry';

/** Where in the label map a segment's voxels lie. */

/**
 * The next slice that holds the label.
 *
 * @param axis - voxel axis through the slices
 * @param from - slice to start behind
 * @param step - +1 or -1 along that axis
 * @returns its index; null when there is none that way
 */
export function nextSliceWith(
  map: LabelMap,
  label: number,
  axis: number,
  from: number,
  step: 1 | -1
): number | null {
  const { shape } = map;
  for (let at = from + step; at >= 0 && at < shape[axis]; at += step) {
    if (hasLabel(map, label, axis, at)) {
      return at;
    }
  }
  return null;
}

function hasLabel(
  { data, shape, strides }: LabelMap,
  label: number,
  axis: number,
  index: number
): boolean {
  if (axis === 2) {
    const start = index * strides[2];
    // The typed array's own search is several times faster than a loop.
    return data.subarray(start, start + strides[2]).includes(label);
  }
  const [u, v] = axis === 0 ? [1, 2] : [0, 2];
  const start = index * strides[axis];
  for (let b = 0; b < shape[v]; b++) {
    let at = start + b * strides[v];
    for (let a = 0; a < shape[u]; a++, at += strides[u]) {
      if (data[at] === label) {
        return true;
      }
    }
  }
  return false;
}

/** The voxel of the label that is nearest to its centre of mass; null without voxels. */
export function centerOf(
  map: LabelMap,
  label: number,
  grid: IGrid
): Triple | null {
  const sum: Triple = [0, 0, 0];
  let count = 0;
  eachVoxel(map, label, (i, j, k) => {
    sum[0] += i;
    sum[1] += j;
    sum[2] += k;
    count++;
  });
  if (count === 0) {
    return null;
  }
  const center = sum.map(x => x / count) as Triple;
  const rounded = center.map(Math.round) as Triple;
  if (map.labelAt(rounded) === label) {
    return rounded;
  }
  // Hollow or bent: its middle lies outside of it.
  const [si, sj, sk] = grid.spacing;
  let best: Triple = rounded;
  let least = Infinity;
  eachVoxel(map, label, (i, j, k) => {
    const distance =
      ((i - center[0]) * si) ** 2 +
      ((j - center[1]) * sj) ** 2 +
      ((k - center[2]) * sk) ** 2;
    if (distance < least) {
      least = distance;
      best = [i, j, k];
    }
  });
  return best;
}

function eachVoxel(
  { data, shape }: LabelMap,
  label: number,
  visit: (i: number, j: number, k: number) => void
): void {
  const [I, J] = shape;
  for (let at = data.indexOf(label); at >= 0;) {
    // One row after another: labels lie together.
    const row = Math.floor(at / I);
    const end = (row + 1) * I;
    const j = row % J;
    const k = (row - j) / J;
    for (; at < end; at++) {
      if (data[at] === label) {
        visit(at - row * I, j, k);
      }
    }
    at = data.indexOf(label, end);
  }
}

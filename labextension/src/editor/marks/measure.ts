import type { IMark, Triple } from '../../server/types';

import type { IGrid } from '../view/geometry';
import type { Volume } from '../view/volume';

import { extent } from './mark';

/*
 * Millimetres come from the scan's affine, not from its spacing: they are right on
 * anisotropic, oblique and sheared grids, and between slices. Where no file says how
 * large a voxel is, the affine counts pixels and so do these: `view/units.ts` says which.
 */

/** The step between two voxel positions, in RAS mm. */
function step_mm(grid: IGrid, from: Triple, to: Triple): Triple {
  const d = to.map((x, axis) => x - from[axis]);
  return grid.affine.map(
    row => row[0] * d[0] + row[1] * d[1] + row[2] * d[2]
  ) as Triple;
}

/** Length of the straight line between two voxel positions. */
export function distance_mm(grid: IGrid, from: Triple, to: Triple): number {
  return Math.hypot(...step_mm(grid, from, to));
}

/** Angle at `vertex`, 0 to 180 degrees; 0 where a side has no length. */
export function angle_deg(
  grid: IGrid,
  first: Triple,
  vertex: Triple,
  last: Triple
): number {
  const a = step_mm(grid, vertex, first);
  const b = step_mm(grid, vertex, last);
  // atan2 of the cross product stays exact near 0 and 180 degrees.
  return (Math.atan2(Math.hypot(...cross(a, b)), dot(a, b)) * 180) / Math.PI;
}

/** Sides of a box along i, j and k. */
export function sides_mm(grid: IGrid, mark: IMark): Triple {
  const { low, high } = extent(mark);
  return [0, 1, 2].map(axis => {
    const corner: Triple = [...low];
    corner[axis] = high[axis];
    return distance_mm(grid, low, corner);
  }) as Triple;
}

/** The axis that a flat mark has no extent along. */
export function axisThrough(grid: IGrid, plane: IMark['plane']): number {
  return grid.axes[{ sagittal: 0, coronal: 1, axial: 2 }[plane ?? 'axial']];
}

/** Area of a rectangle or an ellipse. */
export function area_mm2(grid: IGrid, mark: IMark): number {
  const { low, high } = extent(mark);
  const sides = [0, 1, 2]
    .filter(axis => axis !== axisThrough(grid, mark.plane))
    .map(axis => {
      const corner: Triple = [...low];
      corner[axis] = high[axis];
      return step_mm(grid, low, corner);
    });
  const area = Math.hypot(...cross(sides[0], sides[1]));
  return mark.kind === 'ellipse' ? (area * Math.PI) / 4 : area;
}

/** Volume of a box. */
export function volume_mm3(grid: IGrid, mark: IMark): number {
  const { low, high } = extent(mark);
  const [a, b, c] = [0, 1, 2].map(axis => {
    const corner: Triple = [...low];
    corner[axis] = high[axis];
    return step_mm(grid, low, corner);
  });
  return Math.abs(dot(cross(a, b), c));
}

/** The intensities of the voxels whose centres lie in a region of one slice. */
export interface IRegionStatistics {
  /** Voxels counted. */
  count: number;
  mean: number;
  /** Standard deviation of these voxels (not an estimate for others). */
  sd: number;
  min: number;
  max: number;
}

/** @returns null for colours, and where no voxel's centre lies inside */
export function regionStatistics(
  volume: Volume,
  mark: IMark
): IRegionStatistics | null {
  const { shape, channels } = volume.info;
  if (channels !== 1) {
    return null;
  }
  const w = axisThrough(volume.grid, mark.plane);
  const [u, v] = [0, 1, 2].filter(axis => axis !== w);
  const { low, high } = extent(mark);
  const strides = [1, shape[0], shape[0] * shape[1]];
  const slice = Math.round(low[w]);
  const first = (axis: number) => Math.max(0, Math.ceil(low[axis]));
  const last = (axis: number) =>
    Math.min(shape[axis] - 1, Math.floor(high[axis]));
  const isRound = mark.kind === 'ellipse';
  const half = [0, 1, 2].map(axis => (high[axis] - low[axis]) / 2);
  let [count, mean, squares, min, max] = [0, 0, 0, Infinity, -Infinity];
  for (let y = first(v); y <= last(v); y++) {
    const fromMiddle = half[v] > 0 ? (y - low[v]) / half[v] - 1 : 0;
    for (let x = first(u); x <= last(u); x++) {
      const across = half[u] > 0 ? (x - low[u]) / half[u] - 1 : 0;
      if (isRound && across * across + fromMiddle * fromMiddle > 1) {
        continue;
      }
      const value =
        volume.data[slice * strides[w] + x * strides[u] + y * strides[v]];
      // Welford, 1962: no cancellation where the mean is far from 0.
      count++;
      const delta = value - mean;
      mean += delta / count;
      squares += delta * (value - mean);
      min = Math.min(min, value);
      max = Math.max(max, value);
    }
  }
  return count > 0
    ? { count, mean, sd: Math.sqrt(squares / count), min, max }
    : null;
}

function cross(a: Triple, b: Triple): Triple {
  return [
    a[1] * b[2] - a[2] * b[1],
    a[2] * b[0] - a[0] * b[2],
    a[0] * b[1] - a[1] * b[0]
  ];
}

function dot(a: Triple, b: Triple): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

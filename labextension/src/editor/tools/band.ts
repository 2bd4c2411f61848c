import type { Triple } from '../../server/types';
import type { Voxels } from '../../server/voxels';

import type { ISliceGeometry } from '../view/geometry';

/** Intensities, both ends included. */
export interface IBand {
  low: number;
  high: number;
}

/** How far around the seed its tissue is looked at. */
const AROUND_MM = 2.5;
/** Robust standard deviations to each side. */
const WIDTH = 2.5;
/** How much wider each step is. */
const STEP = 1.15;

/**
 * The band of intensities that the tissue around a pixel has.
 *
 * Median and median absolute deviation of a disc: an edge that runs through a part of it
 * does not widen the band. Scaled so that for normal noise it is a number of its standard
 * deviations.
 *
 * @param floor - half the narrowest band: a difference that nobody sees
 * @param expand - steps wider (or narrower)
 * @param tolerance - instead: this close to the median
 */
export function bandAround(
  voxels: Voxels,
  shape: Triple,
  slice: Pick<ISliceGeometry, 'u' | 'v' | 'sizeU' | 'sizeV'>,
  seed: Triple,
  { floor = 0, expand = 0, tolerance = null as number | null } = {}
): IBand {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const at = seed[0] + seed[1] * strides[1] + seed[2] * strides[2];
  const { u, v } = slice;
  const values: number[] = [];
  const reachU = reach(slice.sizeU);
  const reachV = reach(slice.sizeV);
  for (let dv = -reachV; dv <= reachV; dv++) {
    for (let du = -reachU; du <= reachU; du++) {
      const [x, y] = [seed[u] + du, seed[v] + dv];
      const isNear = (du / (reachU || 1)) ** 2 + (dv / (reachV || 1)) ** 2 <= 1;
      if (isNear && x >= 0 && y >= 0 && x < shape[u] && y < shape[v]) {
        values.push(voxels[at + du * strides[u] + dv * strides[v]]);
      }
    }
  }
  const middle = median(values);
  const spread = 1.4826 * median(values.map(x => Math.abs(x - middle)));
  const half = (tolerance ?? Math.max(WIDTH * spread, floor)) * STEP ** expand;
  const own = voxels[at];
  // The pressed pixel itself always belongs.
  return {
    low: Math.min(middle - half, own),
    high: Math.max(middle + half, own)
  };
}

function reach(size_mm: number): number {
  return Math.min(8, Math.max(1, Math.round(AROUND_MM / size_mm)));
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2
    ? sorted[half]
    : (sorted[half - 1] + sorted[half]) / 2;
}

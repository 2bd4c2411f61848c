import type { Triple } from '../../server/types';
import type { Box } from '../../server/voxels';

import { sizeOf } from '../labels/box';
import { finished, type Work } from '../labels/later';
import type { ISliceGeometry } from '../view/geometry';
import type { IRegion } from './region';

/*
 * What is connected to a voxel by its sides: rows are followed to both ends at once, and
 * the rows beside them are looked at where they touch.
 */

/** Whether the voxel at this place of the data belongs. */
export type Belongs = (at: number) => boolean;

/** The connected pixels of one slice; the seed belongs whatever it holds. */
export function floodSlice(
  shape: Triple,
  slice: Pick<ISliceGeometry, 'u' | 'v' | 'w'>,
  seed: Triple,
  belongs: Belongs
): IRegion {
  const axes: Triple = [slice.u, slice.v, slice.w];
  const grid = gridFor(shape, axes, seed, true);
  return finished(spread(grid, belongs, Infinity)) as IRegion;
}

/**
 * The connected voxels through all slices; pauses now and then.
 *
 * @param limit - voxels; null is returned when there are more
 */
export function floodVolume(
  shape: Triple,
  seed: Triple,
  belongs: Belongs,
  limit: number
): Work<IRegion | null> {
  return spread(gridFor(shape, [0, 1, 2], seed, false), belongs, limit);
}

interface IFloodGrid {
  shape: Triple;
  /** Sizes and steps in the data along the row, across it, and through the slices. */
  size: Triple;
  stride: Triple;
  axes: Triple;
  seed: Triple;
  origin: number;
}

function gridFor(
  shape: Triple,
  axes: Triple,
  seed: Triple,
  isFlat: boolean
): IFloodGrid {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const size = axes.map(axis => shape[axis]) as Triple;
  const place = axes.map(axis => seed[axis]) as Triple;
  const stride = axes.map(axis => strides[axis]) as Triple;
  const origin = isFlat ? place[2] * stride[2] : 0;
  if (isFlat) {
    size[2] = 1;
    place[2] = 0;
  }
  return { shape, size, stride, axes, seed: place, origin };
}

const PAUSE_ROWS = 4096;

function* spread(
  { shape, size, stride, axes, seed, origin }: IFloodGrid,
  belongs: Belongs,
  limit: number
): Work<IRegion | null> {
  const [X, Y, Z] = size;
  const [sx, sy, sz] = stride;
  const seen = new Bits(X * Y * Z);
  const rows: number[] = [];
  const stack = [seed[0], seed[1], seed[2]];
  const low: Triple = [...seed];
  const high: Triple = [...seed];
  let count = 0;
  let isSeed = true;
  const is = (x: number, y: number, z: number) =>
    !seen.has(x + X * (y + Y * z)) &&
    belongs(origin + x * sx + y * sy + z * sz);
  const look = (first: number, last: number, y: number, z: number) => {
    if (y < 0 || y >= Y || z < 0 || z >= Z) {
      return;
    }
    for (let x = first; x <= last; x++) {
      if (is(x, y, z)) {
        stack.push(x, y, z);
        while (x < last && is(x + 1, y, z)) {
          x++;
        }
      }
    }
  };
  while (stack.length > 0) {
    const z = stack.pop() as number;
    const y = stack.pop() as number;
    const x = stack.pop() as number;
    if (!isSeed && !is(x, y, z)) {
      continue;
    }
    isSeed = false;
    let first = x;
    let last = x;
    while (first > 0 && is(first - 1, y, z)) {
      first--;
    }
    while (last + 1 < X && is(last + 1, y, z)) {
      last++;
    }
    seen.fill(X * (y + Y * z) + first, last - first + 1);
    rows.push(first, last, y, z);
    widen(low, high, first, last, y, z);
    count += last - first + 1;
    if (count > limit) {
      return null;
    }
    look(first, last, y - 1, z);
    look(first, last, y + 1, z);
    look(first, last, y, z - 1);
    look(first, last, y, z + 1);
    if (rows.length % (4 * PAUSE_ROWS) === 0) {
      yield;
    }
  }
  return regionOf(shape, axes, origin, rows, low, high);
}

function widen(
  low: Triple,
  high: Triple,
  first: number,
  last: number,
  y: number,
  z: number
): void {
  low[0] = Math.min(low[0], first);
  high[0] = Math.max(high[0], last);
  low[1] = Math.min(low[1], y);
  high[1] = Math.max(high[1], y);
  low[2] = Math.min(low[2], z);
  high[2] = Math.max(high[2], z);
}

function regionOf(
  shape: Triple,
  axes: Triple,
  origin: number,
  rows: readonly number[],
  low: Triple,
  high: Triple
): IRegion {
  const through = shape[0] * shape[1];
  const box: Box = [0, 0, 0, 0, 0, 0];
  axes.forEach((axis, at) => {
    box[2 * axis] = low[at];
    box[2 * axis + 1] = high[at] + 1;
  });
  if (origin > 0) {
    // A flat flood lies in the slice that its origin begins.
    const axis = axes[2];
    const index = origin / [1, shape[0], through][axis];
    box[2 * axis] = index;
    box[2 * axis + 1] = index + 1;
  }
  const [I, J] = [box[1] - box[0], box[3] - box[2]];
  const steps = [1, I, I * J];
  const [sx, sy, sz] = axes.map(axis => steps[axis]);
  const mask = new Uint8Array(sizeOf(box));
  for (let at = 0; at < rows.length; at += 4) {
    const y = rows[at + 2] - low[1];
    const z = rows[at + 3] - low[2];
    const row = y * sy + z * sz;
    for (let x = rows[at] - low[0]; x <= rows[at + 1] - low[0]; x++) {
      mask[row + x * sx] = 1;
    }
  }
  return { box, mask };
}

/** One bit a voxel. */
class Bits {
  constructor(count: number) {
    this._words = new Uint32Array(Math.ceil(count / 32));
  }

  has(at: number): boolean {
    return (this._words[at >>> 5] & (1 << (at & 31))) !== 0;
  }

  fill(start: number, count: number): void {
    for (let at = start; at < start + count; at++) {
      this._words[at >>> 5] |= 1 << (at & 31);
    }
  }

  private readonly _words: Uint32Array;
}

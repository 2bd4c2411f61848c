import type { Triple } from '../server/types';
import type { Box, Labels } from '../server/voxels';
import { fullIndex, reducedShape } from './reduce';

/*
 * NiiVue keeps its textures in the order R, A, S whatever the file's order is. `permutation`
 * is its `permRAS`: for each of R, A, S the file axis, counted from 1, negative when flipped.
 */

/** A box of the R, A, S texture: first voxel and size along each axis. */
export interface IPatch {
  start: Triple;
  size: Triple;
  values: Uint8Array;
}

/**
 * Cuts the changed part out of a label map, as a texture wants it.
 *
 * @param labels - on the full grid, i fastest
 * @param slots - value in the texture by segment id
 * @param box - changed voxels of the full grid; everything where it is left out
 */
export function patchOf(
  labels: Labels,
  shape: Triple,
  steps: Triple,
  permutation: Triple,
  slots: Uint8Array,
  box: Box = [0, shape[0], 0, shape[1], 0, shape[2]]
): IPatch {
  const reduced = reducedShape(shape, steps);
  const low = [0, 1, 2].map(axis => Math.floor(box[2 * axis] / steps[axis]));
  const high = [0, 1, 2].map(axis =>
    Math.min(reduced[axis], Math.ceil(box[2 * axis + 1] / steps[axis]))
  );
  const axes = permutation.map(p => Math.abs(p) - 1);
  const flipped = permutation.map(p => p < 0);
  const size = axes.map(axis => Math.max(0, high[axis] - low[axis])) as Triple;
  const start = axes.map((axis, p) =>
    flipped[p] ? reduced[axis] - high[axis] : low[axis]
  ) as Triple;
  const strides = [1, shape[0], shape[0] * shape[1]];
  // Offset in the label map of each step along R, A and S.
  const offsets = axes.map((axis, p) =>
    Int32Array.from({ length: size[p] }, (_, n) => {
      const index = flipped[p] ? high[axis] - 1 - n : low[axis] + n;
      return fullIndex(index, steps[axis], shape[axis]) * strides[axis];
    })
  );
  const values = new Uint8Array(size[0] * size[1] * size[2]);
  let at = 0;
  for (const s of offsets[2]) {
    for (const a of offsets[1]) {
      for (const r of offsets[0]) {
        values[at++] = slots[labels[r + a + s]];
      }
    }
  }
  return { start, size, values };
}

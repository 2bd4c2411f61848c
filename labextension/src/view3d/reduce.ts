import type { Triple } from '../server/types';
import type { Labels, Voxels } from '../server/voxels';
import type { IScene } from './types';

/*
 * A graphics card holds four bytes a voxel, and 3D textures end at 2048 voxels an axis.
 * Larger scans are drawn from every n-th voxel; the 2D planes still show all of them.
 */

/** About 128 MiB of graphics memory. */
export const MOST_VOXELS = 2 ** 25;

/** Step along I, J and K that keeps a scan within `most` voxels. */
export function stepsFor(shape: Triple, most = MOST_VOXELS): Triple {
  const steps: Triple = [1, 1, 1];
  const size = (axis: number) => Math.ceil(shape[axis] / steps[axis]);
  while (size(0) * size(1) * size(2) > most) {
    // The axis that still has most voxels gives some up.
    const axis = [0, 1, 2].reduce((a, b) => (size(b) > size(a) ? b : a));
    steps[axis] += 1;
  }
  return steps;
}

/** Shape after taking one voxel of every step. */
export function reducedShape(shape: Triple, steps: Triple): Triple {
  return shape.map((n, axis) => Math.ceil(n / steps[axis])) as Triple;
}

/** Index in the full grid of a reduced index: the middle of its block. */
export function fullIndex(index: number, step: number, size: number): number {
  return Math.min(size - 1, index * step + (step >> 1));
}

/** The scan with one voxel of every block, in the same place in the patient. */
export function reduceScene(scene: IScene, steps: Triple): IScene {
  if (steps.every(step => step === 1)) {
    return scene;
  }
  const shape = reducedShape(scene.shape, steps);
  const affine = scene.affine.map((row, r) => {
    if (r === 3) {
      return [...row];
    }
    const shift = steps.reduce(
      (sum, s, axis) => sum + row[axis] * (s >> 1),
      row[3]
    );
    return [...steps.map((step, axis) => row[axis] * step), shift];
  });
  const data = pick(scene.data, scene.shape, shape, steps, scene.channels);
  return { ...scene, shape, affine, data };
}

function pick<T extends Voxels | Labels>(
  from: T,
  shape: Triple,
  reduced: Triple,
  steps: Triple,
  channels: number
): T {
  const [I, J, K] = shape;
  const size = reduced[0] * reduced[1] * reduced[2] * channels;
  const into = new (from.constructor as new (length: number) => T)(size);
  let at = 0;
  for (let k = 0; k < reduced[2]; k++) {
    const plane = fullIndex(k, steps[2], K) * J;
    for (let j = 0; j < reduced[1]; j++) {
      const row = (plane + fullIndex(j, steps[1], J)) * I;
      for (let i = 0; i < reduced[0]; i++) {
        const voxel = (row + fullIndex(i, steps[0], I)) * channels;
        for (let c = 0; c < channels; c++) {
          into[at++] = from[voxel + c];
        }
      }
    }
  }
  return into;
}

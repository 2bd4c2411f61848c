import { describe, expect, it } from 'vitest';

import { reduceScene, stepsFor } from '../../../labextension/src/view3d/reduce';

describe('reduceScene', () => {
  it('leaves a scan that fits as it is', () => {
    expect(stepsFor([256, 256, 200])).toEqual([1, 1, 1]);
  });

  it('keeps the largest scans within the limit', () => {
    const steps = stepsFor([512, 512, 600]);

    const voxels = [512, 512, 600].map((n, axis) => Math.ceil(n / steps[axis]));
    expect(voxels[0] * voxels[1] * voxels[2]).toBeLessThanOrEqual(2 ** 25);
  });

  it('keeps every voxel it takes at its place in the patient', () => {
    const affine = [
      [0, -2, 0.1, 10],
      [1.5, 0, 0, -20],
      [0, 0.2, 3, 30],
      [0, 0, 0, 1]
    ];
    const shape: [number, number, number] = [6, 4, 9];
    const data = Int16Array.from({ length: 216 }, (_, n) => n);
    const scene = {
      shape,
      affine,
      data,
      channels: 1 as const,
      window: { center: 0, width: 1 }
    };

    const small = reduceScene(scene, [3, 2, 3]);

    const place = (matrix: number[][], ijk: number[]) =>
      matrix
        .slice(0, 3)
        .map(row => ijk.reduce((sum, x, axis) => sum + x * row[axis], row[3]));
    // Reduced voxel (1, 1, 2) is the middle of its block: (4, 3, 7).
    expect(small.shape).toEqual([2, 2, 3]);
    expect(small.data[1 + 2 * (1 + 2 * 2)]).toBe(4 + 6 * (3 + 4 * 7));
    place(affine, [4, 3, 7]).forEach((mm, axis) => {
      expect(place(small.affine, [1, 1, 2])[axis]).toBeCloseTo(mm, 9);
    });
  });
});

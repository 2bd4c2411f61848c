import { NVImage } from '@niivue/niivue';
import { describe, expect, it, vi } from 'vitest';

import type { Triple } from '../../../labextension/src/server/types';
import { niftiOf } from '../../../labextension/src/view3d/nifti';
import { patchOf } from '../../../labextension/src/view3d/ras';

const SHAPE: Triple = [4, 5, 6];
const SIZE = 4 * 5 * 6;
const OFF = { '-': -1, '+': 1 } as const;

/** All signed axis orders with unequal spacing, then skewed by a few degrees. */
function affines(): number[][][] {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0]
  ];
  const signs = [0, 1, 2, 3, 4, 5, 6, 7];
  const skew = [
    [0.99, -0.1, 0.08],
    [0.1, 0.99, -0.05],
    [-0.07, 0.06, 0.99]
  ];
  return [false, true].flatMap(oblique =>
    orders.flatMap(order =>
      signs.map(bits => {
        const straight = [0, 1, 2].map(row =>
          order.map((to, axis) =>
            to === row
              ? (axis + 1.5) * ((bits >> axis) & 1 ? OFF['-'] : OFF['+'])
              : 0
          )
        );
        const turned = skew.map(line =>
          [0, 1, 2].map(axis =>
            line.reduce((sum, x, row) => sum + x * straight[row][axis], 0)
          )
        );
        const rows = (oblique ? turned : straight).map((row, n) => [
          ...row,
          7 * n - 3
        ]);
        return [...rows, [0, 0, 0, 1]];
      })
    )
  );
}

// NiiVue warns of every oblique affine.
vi.spyOn(console, 'warn').mockImplementation(() => undefined);

describe('patchOf', () => {
  it('orders labels as NiiVue orders voxels, for all 48 axis codes and oblique ones', async () => {
    const data = Uint8Array.from({ length: SIZE }, (_, n) => n + 1);
    const slots = Uint8Array.from({ length: 65536 }, (_, n) => n & 255);
    for (const affine of affines()) {
      const url = niftiOf({ shape: SHAPE, affine, channels: 1, data });
      const image = await NVImage.loadFromUrl({ url, name: 'scan.nii' });
      const permutation = (image.permRAS ?? []).slice(0, 3) as Triple;

      const patch = patchOf(data, SHAPE, [1, 1, 1], permutation, slots);

      expect(patch.size).toEqual(image.dimsRAS?.slice(1, 4));
      expect(Array.from(patch.values)).toEqual(Array.from(image.img2RAS()));
    }
  });

  it('cuts a changed box out at its place in the whole', () => {
    const data = Uint8Array.from({ length: SIZE }, (_, n) => n + 1);
    const slots = Uint8Array.from({ length: 65536 }, (_, n) => n & 255);
    const permutation: Triple = [-2, 3, -1];
    const whole = patchOf(data, SHAPE, [1, 1, 1], permutation, slots);

    const part = patchOf(
      data,
      SHAPE,
      [1, 1, 1],
      permutation,
      slots,
      [1, 3, 2, 5, 0, 4]
    );

    const [R, A] = whole.size;
    let at = 0;
    for (let s = 0; s < part.size[2]; s++) {
      for (let a = 0; a < part.size[1]; a++) {
        for (let r = 0; r < part.size[0]; r++) {
          const [x, y, z] = [
            r + part.start[0],
            a + part.start[1],
            s + part.start[2]
          ];
          expect(part.values[at++]).toBe(whole.values[x + R * (y + A * z)]);
        }
      }
    }
    expect(at).toBe(2 * 3 * 4);
  });
});

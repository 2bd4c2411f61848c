import { describe, expect, it } from 'vitest';

import {
  gridOf,
  ijkAt,
  ijkOf,
  isInside,
  nearestVoxel,
  pixelOf,
  type Plane,
  PLANES,
  rasOf,
  sliceGeometry
} from '../../../labextension/src/editor/view/geometry';
import type { Triple } from '../../../labextension/src/server/types';

const SHAPE: Triple = [7, 8, 9];
const SPACING: Triple = [0.7, 1.1, 2.5];
const PAIRS = ['RL', 'AP', 'SI'];

/** The 48 ways in which voxel axes can run along the body's. */
const CODES: string[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0]
].flatMap(order =>
  Array.from({ length: 8 }, (_, bits) =>
    order.map((ras, axis) => PAIRS[ras][(bits >> axis) & 1]).join('')
  )
);

function affineOf(code: string): number[][] {
  const affine = [
    [0, 0, 0, -31],
    [0, 0, 0, 17],
    [0, 0, 0, 5],
    [0, 0, 0, 1]
  ];
  [...code].forEach((letter, axis) => {
    const ras = PAIRS.findIndex(pair => pair.includes(letter));
    affine[ras][axis] = (PAIRS[ras][0] === letter ? 1 : -1) * SPACING[axis];
  });
  return affine;
}

/** Where the letters must be, whatever order the voxels are stored in. */
const LETTERS: Record<Plane, Record<string, string>> = {
  axial: { left: 'R', right: 'L', top: 'A', bottom: 'P' },
  coronal: { left: 'R', right: 'L', top: 'S', bottom: 'I' },
  sagittal: { left: 'A', right: 'P', top: 'S', bottom: 'I' }
};

/** The unit step in RAS that each letter stands for. */
const STEP: Record<string, Triple> = {
  ...{ R: [1, 0, 0], L: [-1, 0, 0], A: [0, 1, 0] },
  ...{ P: [0, -1, 0], S: [0, 0, 1], I: [0, 0, -1] }
};

describe.each(CODES)('a scan stored as %s', code => {
  const grid = gridOf(SHAPE, affineOf(code));

  it.each(PLANES)('lies radiologically in the %s plane', plane => {
    const slice = sliceGeometry(grid, plane);

    expect(slice.letters).toEqual(LETTERS[plane]);
  });

  it.each(PLANES)('moves towards the letter at each edge: %s', plane => {
    const slice = sliceGeometry(grid, plane);
    const from = rasOf(grid, ijkAt(slice, 2, 3, 4));
    const moved = (x: number, y: number) =>
      rasOf(grid, ijkAt(slice, 2 + x, 3 + y, 4)).map((mm, at) => mm - from[at]);
    const close = (a: number[], letter: string, mm: number) =>
      a.forEach((x, at) => expect(x).toBeCloseTo(STEP[letter][at] * mm, 9));

    close(moved(1, 0), slice.letters.right, slice.sizeU);
    close(moved(0, 1), slice.letters.bottom, slice.sizeV);
  });

  it.each(PLANES)('shows each voxel once in the %s plane', plane => {
    const slice = sliceGeometry(grid, plane);
    const seen = new Set<string>();
    for (let w = 0; w < slice.depth; w++) {
      for (let y = 0; y < slice.height; y++) {
        for (let x = 0; x < slice.width; x++) {
          const ijk = ijkAt(slice, x, y, w);
          expect(isInside(SHAPE, ijk)).toBe(true);
          expect(pixelOf(slice, ijk)).toEqual([x, y]);
          seen.add(ijk.join());
        }
      }
    }

    expect(seen.size).toBe(7 * 8 * 9);
  });

  it('takes a position to RAS and back', () => {
    const ijk: Triple = [1.25, 6.5, 3];

    const back = ijkOf(grid, rasOf(grid, ijk));

    back.forEach((x, axis) => expect(x).toBeCloseTo(ijk[axis], 9));
  });
});

it('neurological: the patient’s right is on the image’s right', () => {
  const grid = gridOf(SHAPE, affineOf('LPS'));

  const { left, right } = sliceGeometry(grid, 'axial', false).letters;

  expect([left, right]).toEqual(['L', 'R']);
});

it('an oblique scan is shown along its nearest axes, with its own spacing', () => {
  const angle = (20 * Math.PI) / 180;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const grid = gridOf(SHAPE, [
    [-0.7 * c, 1.1 * s, 0, 10],
    [0.7 * s, 1.1 * c, 0, 20],
    [0, 0, 2.5, 30],
    [0, 0, 0, 1]
  ]);

  expect(grid.axes).toEqual([0, 1, 2]);
  expect(grid.signs).toEqual([-1, 1, 1]);
  grid.spacing.forEach((mm, axis) => expect(mm).toBeCloseTo(SPACING[axis], 12));
});

it('a sheared scan near 45 degrees still uses each axis once', () => {
  const grid = gridOf(SHAPE, [
    [0.8, 0.75, 0, 0],
    [0.79, -0.76, 0, 0],
    [0, 0, 1, 0],
    [0, 0, 0, 1]
  ]);

  expect([...grid.axes].sort()).toEqual([0, 1, 2]);
});

it('the nearest voxel of a place outside is at the rim', () => {
  expect(nearestVoxel(SHAPE, [-3, 4.6, 20])).toEqual([0, 5, 8]);
});

import { describe, expect, it } from 'vitest';

import { newMark } from '../../../../labextension/src/editor/marks/mark';
import {
  angle_deg,
  area_mm2,
  distance_mm,
  regionStatistics,
  sides_mm,
  volume_mm3
} from '../../../../labextension/src/editor/marks/measure';
import { gridOf } from '../../../../labextension/src/editor/view/geometry';
import { Volume } from '../../../../labextension/src/editor/view/volume';
import type { Triple } from '../../../../labextension/src/server/types';
import { infoOf } from '../memory_server';
import { diagonal } from '../tools_scene';

const SHAPE: Triple = [40, 40, 20];

/** Turns by 30 degrees about S, then by 20 about R: no axis of the grid stays. */
function oblique([x, y, z]: Triple): number[][] {
  const [c, s] = [Math.cos(Math.PI / 6), Math.sin(Math.PI / 6)];
  const [d, t] = [Math.cos(Math.PI / 9), Math.sin(Math.PI / 9)];
  return [
    [c * x, -s * y, 0, 7],
    [d * s * x, d * c * y, -t * z, -3],
    [t * s * x, t * c * y, d * z, 11],
    [0, 0, 0, 1]
  ];
}

describe('lengths', () => {
  it('3, 4 and 12 millimetres along the axes are 13 across slices', () => {
    const spacing: Triple = [0.5, 2, 3];
    const grid = gridOf(SHAPE, diagonal(spacing));

    const to: Triple = [1 + 3 / 0.5, 1 + 4 / 2, 1 + 12 / 3];
    expect(distance_mm(grid, [1, 1, 1], to)).toBeCloseTo(13, 10);
  });

  it('are the same however the scan is turned', () => {
    const spacing: Triple = [0.7, 1.1, 4];
    const straight = gridOf(SHAPE, diagonal(spacing));
    const turned = gridOf(SHAPE, oblique(spacing));
    const ends: [Triple, Triple] = [
      [3, 20.5, 2],
      [31.25, 4, 17]
    ];
    expect(distance_mm(turned, ...ends)).toBeCloseTo(
      distance_mm(straight, ...ends),
      10
    );
  });

  it('follow a gantry tilt, which spacing alone does not know of', () => {
    // Each slice lies 1 mm further to the front: a step of (0, -1, 3) mm.
    const affine = [
      [1, 0, 0, 0],
      [0, 1, -1, 0],
      [0, 0, 3, 0],
      [0, 0, 0, 1]
    ];
    const grid = gridOf(SHAPE, affine);
    // Two slices up and two voxels back: straight up the patient, 6 mm.
    expect(distance_mm(grid, [5, 5, 5], [5, 7, 7])).toBeCloseTo(6, 10);
  });
});

describe('angles', () => {
  const grid = gridOf(SHAPE, oblique([0.5, 2, 3]));

  it.each([
    ['right', [9, 5, 5], [5, 5, 5], [5, 8, 5], 90],
    // Sides (4, 0) and (2, 2 sqrt 3) mm.
    ['of 60 degrees', [13, 5, 5], [5, 5, 5], [9, 5 + Math.sqrt(3), 5], 60],
    ['straight', [1, 1, 1], [2, 2, 2], [3, 3, 3], 180],
    ['folded', [9, 9, 9], [2, 2, 2], [9, 9, 9], 0],
    // Equal steps in mm along j and k, and the middle between them.
    ['of 45 degrees through slices', [5, 8, 5], [5, 5, 5], [5, 8, 7], 45]
  ] as [string, Triple, Triple, Triple, number][])(
    'are %s in millimetres on an oblique grid',
    (_, first, vertex, last, degrees) => {
      expect(angle_deg(grid, first, vertex, last)).toBeCloseTo(degrees, 6);
    }
  );
});

describe('areas and volumes', () => {
  const box = (kind: 'rectangle' | 'ellipse', plane: 'axial' | 'coronal') =>
    newMark(kind, {
      plane,
      points:
        plane === 'axial'
          ? [
              [20, 4, 7],
              [10, 12, 7]
            ]
          : [
              [20, 9, 3],
              [10, 9, 8]
            ]
    });

  it.each([
    ['axial', 10 * 0.5 * (8 * 2)],
    ['coronal', 10 * 0.5 * (5 * 3)]
  ] as const)('a rectangle and the ellipse in it, %s', (plane, area) => {
    const grid = gridOf(SHAPE, oblique([0.5, 2, 3]));
    expect(area_mm2(grid, box('rectangle', plane))).toBeCloseTo(area, 8);
    const round = area_mm2(grid, box('ellipse', plane));
    expect(round).toBeCloseTo((Math.PI / 4) * area, 8);
  });

  it('a box has its sides and its volume', () => {
    const grid = gridOf(SHAPE, oblique([0.5, 2, 3]));
    const mark = newMark('box', {
      points: [
        [2, 30, 4.5],
        [12, 25, 9.5]
      ]
    });
    sides_mm(grid, mark).forEach((side, axis) =>
      expect(side).toBeCloseTo([5, 10, 15][axis], 8)
    );
    expect(volume_mm3(grid, mark)).toBeCloseTo(750, 6);
  });
});

describe('region statistics', () => {
  function volumeOf(value: (i: number, j: number, k: number) => number) {
    const shape: Triple = [9, 8, 5];
    const volume = new Volume(infoOf(shape, { affine: diagonal([1, 1, 2]) }));
    for (let k = 0, at = 0; k < shape[2]; k++) {
      for (let j = 0; j < shape[1]; j++) {
        for (let i = 0; i < shape[0]; i++) {
          volume.data[at++] = value(i, j, k);
        }
      }
    }
    return volume;
  }

  it('of a rectangle count the voxels whose centres lie inside', () => {
    const volume = volumeOf((i, j, k) => 10000 + i + 10 * j + 100 * k);
    const mark = newMark('rectangle', {
      plane: 'axial',
      points: [
        [4.4, 5.2, 3],
        [0.6, 2.9, 3]
      ]
    });
    // i = 1 to 4, j = 3 to 5; Python's statistics.mean and pstdev of the twelve.
    const found = regionStatistics(volume, mark);
    expect(found?.count).toBe(12);
    expect(found?.mean).toBeCloseTo(10342.5, 9);
    expect(found?.sd).toBeCloseTo(8.24115687671741, 9);
    expect(found).toMatchObject({ min: 10331, max: 10354 });
  });

  it('of a disc leave its corners out', () => {
    const volume = volumeOf((i, j) =>
      Math.hypot(i - 4, j - 4) <= 2 ? 7 : -99
    );
    const mark = newMark('ellipse', {
      plane: 'axial',
      points: [
        [2, 2, 1],
        [6, 6, 1]
      ]
    });
    // Gauss' circle of radius 2 has 13 lattice points.
    expect(regionStatistics(volume, mark)).toEqual({
      ...{ count: 13, mean: 7, sd: 0, min: 7, max: 7 }
    });
  });

  it('are taken from the slice of a coronal region', () => {
    const volume = volumeOf((_, j) => j);
    const mark = newMark('rectangle', {
      plane: 'coronal',
      points: [
        [1, 6, 1],
        [3, 6, 4]
      ]
    });
    expect(regionStatistics(volume, mark)).toMatchObject({
      count: 12,
      mean: 6
    });
  });

  it('are not there between voxels, nor beyond the scan', () => {
    const volume = volumeOf(() => 1);
    const between = newMark('rectangle', {
      plane: 'axial',
      points: [
        [1.1, 1.1, 2],
        [1.9, 1.9, 2]
      ]
    });
    expect(regionStatistics(volume, between)).toBeNull();
  });
});

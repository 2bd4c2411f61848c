import { describe, expect, it } from 'vitest';

import {
  paintConnected,
  paintOutline
} from '../../../labextension/src/editor/tools/area';
import {
  paintBalls,
  paintDiscs
} from '../../../labextension/src/editor/tools/brush';
import {
  gridOf,
  sliceGeometry
} from '../../../labextension/src/editor/view/geometry';
import { Ink } from '../../../labextension/src/editor/tools/ink';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import { Stroke } from '../../../labextension/src/editor/labels/stroke';
import type { Triple } from '../../../labextension/src/server/types';
import { segmentOf } from './tools_scene';

const POLYGON_ROWS = [
  '00000000000000',
  '00000000000000',
  '00000000000000',
  '00010000000000',
  '00011100000000',
  '00011110000000',
  '00001111100000',
  '00001111111100',
  '00001111111100',
  '00001111100000',
  '00001100000000',
  '00000000000000'
];

const ISO: Triple = [1, 1, 1];

function inkOn(map: LabelMap, label = 1, only?: number): Ink {
  const stroke = new Stroke(map, 'brush', label);
  return new Ink(map, stroke, label, map.writable(only), null);
}

function painted(map: LabelMap, label = 1): number {
  return Array.from(map.data).filter(value => value === label).length;
}

function axial(map: LabelMap, spacing = ISO) {
  const [x, y, z] = spacing;
  const affine = [
    [x, 0, 0, 0],
    [0, y, 0, 0],
    [0, 0, z, 0],
    [0, 0, 0, 1]
  ];
  return sliceGeometry(gridOf(map.shape, affine), 'axial');
}

/** Distance of a point to a line piece, by definition. */
function distance(p: number[], a: number[], b: number[]): number {
  const d = b.map((x, at) => x - a[at]);
  const length = d.reduce((sum, x) => sum + x * x, 0);
  const along = d.reduce((sum, x, at) => sum + x * (p[at] - a[at]), 0);
  const t = length ? Math.min(1, Math.max(0, along / length)) : 0;
  return Math.hypot(...p.map((x, at) => x - a[at] - t * d[at]));
}

describe('brush', () => {
  it('a disc has the area of a circle in millimetres', () => {
    const map = new LabelMap([200, 120, 3]);
    const spacing: Triple = [0.5, 0.9, 4];

    paintDiscs(inkOn(map), [100, 60, 1], [100, 60, 1], 30, spacing, 2);

    const area = painted(map) * 0.5 * 0.9;
    expect(area / (Math.PI * 30 ** 2)).toBeCloseTo(1, 2);
  });

  it('a ball has the volume of a sphere in millimetres', () => {
    const map = new LabelMap([60, 60, 30]);
    const spacing: Triple = [1, 1, 2];

    paintBalls(inkOn(map), [30, 30, 15], [30, 30, 15], 20, spacing);

    const volume = painted(map) * 2;
    // One hundredth: a ball of whole voxels is not quite round.
    const exact = (4 / 3) * Math.PI * 20 ** 3;
    expect(Math.abs(volume / exact - 1)).toBeLessThan(0.01);
  });

  it.each([
    [0, [11.3, 4, 6.2] as Triple, [11.3, 17.5, 13.1] as Triple],
    [1, [3.5, 9, 12] as Triple, [20, 9, 3] as Triple],
    [2, [3.5, 9.2, 8] as Triple, [20, 17.9, 8] as Triple]
  ])(
    'a stroke across axis %i paints its capsule exactly',
    (normal, from, to) => {
      const spacing: Triple = [0.8, 1.3, 2.1];
      const map = new LabelMap([24, 24, 24]);
      const a = from.map(Math.round) as Triple;
      const inPlane = (ijk: Triple): Triple =>
        ijk.map((x, axis) => (axis === normal ? a[normal] : x)) as Triple;

      paintDiscs(inkOn(map), inPlane(from), inPlane(to), 3.4, spacing, normal);

      const mm = (ijk: number[]) => ijk.map((x, axis) => x * spacing[axis]);
      for (let k = 0; k < 24; k++) {
        for (let j = 0; j < 24; j++) {
          for (let i = 0; i < 24; i++) {
            const isNear =
              [i, j, k][normal] === a[normal] &&
              distance(mm([i, j, k]), mm(inPlane(from)), mm(inPlane(to))) <=
                3.4;
            expect(map.labelAt([i, j, k]) === 1).toBe(isNear);
          }
        }
      }
    }
  );

  it('a ball dragged through slices paints its capsule exactly', () => {
    const spacing: Triple = [0.9, 1.2, 2];
    const map = new LabelMap([30, 26, 20]);
    const from: Triple = [6.2, 8, 4];
    const to: Triple = [22, 15.4, 14];

    paintBalls(inkOn(map), from, to, 5.1, spacing);

    const mm = (ijk: number[]) => ijk.map((x, axis) => x * spacing[axis]);
    let wrong = 0;
    for (let k = 0; k < 20; k++) {
      for (let j = 0; j < 26; j++) {
        for (let i = 0; i < 30; i++) {
          const isNear = distance(mm([i, j, k]), mm(from), mm(to)) <= 5.1;
          wrong += (map.labelAt([i, j, k]) === 1) === isNear ? 0 : 1;
        }
      }
    }
    expect(wrong).toBe(0);
  });

  it('a fast stroke over the rim of the scan stays inside', () => {
    const map = new LabelMap([20, 20, 5]);

    paintBalls(inkOn(map), [-30, 10, 2], [50, 10, 2], 4, ISO);

    expect(painted(map)).toBeGreaterThan(0);
    expect(map.labelAt([0, 10, 2])).toBe(1);
    expect(map.labelAt([19, 10, 2])).toBe(1);
  });

  it('leaves locked segments alone', () => {
    const map = new LabelMap([20, 20, 1], undefined, [
      segmentOf({ id: 1 }),
      segmentOf({ id: 2, locked: true })
    ]);
    map.data.fill(2, 0, 200);

    paintDiscs(inkOn(map), [10, 10, 0], [10, 10, 0], 50, ISO, 2);

    expect(painted(map, 2)).toBe(200);
    expect(painted(map, 1)).toBe(200);
  });

  it('with a range paints intensities within it only, both ends included', () => {
    const map = new LabelMap([10, 1, 1]);
    const voxels = Int16Array.from({ length: 10 }, (_, at) => at * 10);
    const stroke = new Stroke(map, 'threshold', 1);
    const range = { voxels, low: 20, high: 50 };

    const ink = new Ink(map, stroke, 1, map.writable(), range);
    paintDiscs(ink, [5, 0, 0], [5, 0, 0], 100, ISO, 2);

    expect([...map.data]).toEqual([0, 0, 1, 1, 1, 1, 0, 0, 0, 0]);
  });
});

describe('outline', () => {
  it('encloses the same pixels as skimage.draw.polygon2mask', () => {
    // polygon2mask((12, 14), [(1.3, 2.2), (10.6, 4.1), (7.4, 12.7), (5.2, 6.3)]) in
    // scikit-image 0.26, rows top to bottom; corners here as (x, y) = (column, row).
    const expected = POLYGON_ROWS;
    const map = new LabelMap([14, 12, 1]);
    const slice = { ...axial(map), flipU: false, flipV: false };
    const outline: [number, number][] = [
      [2.2, 1.3],
      [4.1, 10.6],
      [12.7, 7.4],
      [6.3, 5.2]
    ];

    paintOutline(inkOn(map), slice, outline, 0);

    const rows = Array.from({ length: 12 }, (_, y) =>
      [...map.data.subarray(14 * y, 14 * (y + 1))].join('')
    );
    expect(rows).toEqual(expected);
  });

  it('paints what is seen: a flipped slice is painted flipped', () => {
    const map = new LabelMap([10, 10, 1]);
    const slice = axial(map);
    const corners: [number, number][] = [
      [0.5, 0.5],
      [3.5, 0.5],
      [3.5, 2.5],
      [0.5, 2.5]
    ];

    paintOutline(inkOn(map), slice, corners, 0);

    // Stored R to L and A to P from the end: x = 1..3 is i = 8..6, y = 1..2 is j = 8..7.
    expect(painted(map)).toBe(6);
    expect(map.labelAt([8, 8, 0])).toBe(1);
    expect(map.labelAt([6, 7, 0])).toBe(1);
  });

  it('outside of the scan paints nothing', () => {
    const map = new LabelMap([10, 10, 1]);
    const far: [number, number][] = [
      [-9, -9],
      [-3, -9],
      [-3, -3]
    ];

    paintOutline(inkOn(map), axial(map), far, 0);

    expect(painted(map)).toBe(0);
  });
});

describe('fill', () => {
  it('fills a closed line to its inside, and not beyond', () => {
    const map = new LabelMap([9, 9, 1]);
    for (let at = 2; at <= 6; at++) {
      map.data[at + 9 * 2] = 1;
      map.data[at + 9 * 6] = 1;
      map.data[2 + 9 * at] = 1;
      map.data[6 + 9 * at] = 1;
    }

    paintConnected(inkOn(map), axial(map), [4, 4, 0], null, 0);

    expect(painted(map)).toBe(25);
  });

  it('stops where intensities differ by more than the tolerance', () => {
    const map = new LabelMap([8, 1, 1]);
    const voxels = Int16Array.of(0, 5, 9, 11, 30, 10, 10, 10);

    paintConnected(inkOn(map), axial(map), [2, 0, 0], voxels, 5);

    expect([...map.data]).toEqual([0, 1, 1, 1, 0, 0, 0, 0]);
  });
});

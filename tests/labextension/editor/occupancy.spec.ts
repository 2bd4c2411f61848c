import { describe, expect, it } from 'vitest';

import {
  gridOf,
  PLANES,
  sliceGeometry
} from '../../../labextension/src/editor/view/geometry';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import { Occupancy } from '../../../labextension/src/editor/view/occupancy';
import {
  drawLabels,
  labelInk
} from '../../../labextension/src/editor/view/raster';
import type { Triple } from '../../../labextension/src/server/types';
import { randomFrom, segmentOf } from './tools_scene';

const AFFINES = [
  [
    [-1, 0, 0, 0],
    [0, 1, 0, 0],
    [0, 0, 2, 0],
    [0, 0, 0, 1]
  ],
  [
    [0, 0, -2, 0],
    [-0.8, 0, 0, 0],
    [0, -0.9, 0, 0],
    [0, 0, 0, 1]
  ]
];

describe('occupancy', () => {
  it.each(AFFINES)('what it leaves out is clear: affine %#', (...affine) => {
    const shape: Triple = [7, 8, 9];
    const random = randomFrom(4);
    const map = new LabelMap(shape, undefined, [segmentOf({ id: 1 })]);
    const occupied = new Occupancy(map);
    const ink = labelInk(map, 0.5, true);
    const grid = gridOf(shape, affine);
    for (let round = 0; round < 60; round++) {
      const [i, j, k] = shape.map(size => Math.floor(size * random()));
      if (round % 20 === 19) {
        map.replace(new Uint8Array(7 * 8 * 9), map.segments);
      }
      map.data[i + 7 * (j + 8 * k)] = 1;
      map.changed.emit({
        box: [i, i + 1, j, j + 1, k, k + 1],
        segments: false
      });
      for (const plane of PLANES) {
        const slice = sliceGeometry(grid, plane);
        const { width, height } = slice;
        const all = { x0: 0, x1: width, y0: 0, y1: height };
        for (let index = 0; index < slice.depth; index++) {
          const plain = new Uint32Array(width * height);
          const quick = new Uint32Array(width * height).fill(7);
          drawLabels(plain, map, slice, index, ink, all);
          drawLabels(quick, map, slice, index, ink, all, occupied);
          expect(quick).toEqual(plain);
        }
      }
    }
  });

  it('knows what a map held before anything changed', () => {
    const data = new Uint8Array(7 * 8 * 9);
    data[7 * 8 * 4 + 3] = 2;
    const map = new LabelMap([7, 8, 9], data);

    const occupied = new Occupancy(map);

    const planes = [...Array(9).keys()].filter(k => occupied.hasPlane(k));
    expect(planes).toEqual([4]);
  });

  it('believes a map that says it is blank, until a change is told', () => {
    const map = new LabelMap([7, 8, 9]);
    expect(map.isBlank).toBe(true);
    map.data[7 * 8 * 4 + 3] = 2;
    map.changed.emit({ box: [0, 7, 0, 8, 4, 5], segments: false });

    expect(map.isBlank).toBe(false);
    expect(new Occupancy(map).hasPlane(4)).toBe(true);
  });
});

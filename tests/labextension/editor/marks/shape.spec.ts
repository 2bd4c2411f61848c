import { describe, expect, it } from 'vitest';

import {
  changed,
  newMark
} from '../../../../labextension/src/editor/marks/mark';
import { pick } from '../../../../labextension/src/editor/marks/pick';
import {
  afterHandle,
  shapeOf
} from '../../../../labextension/src/editor/marks/shape';
import {
  gridOf,
  ijkAt,
  type Plane,
  PLANES,
  sliceGeometry
} from '../../../../labextension/src/editor/view/geometry';
import type { IMark, Triple } from '../../../../labextension/src/server/types';
import { diagonal, randomFrom } from '../tools_scene';

const GRID = gridOf([30, 24, 18], diagonal([1, 2, 3]));
const slice = (plane: Plane, radiological = true) =>
  sliceGeometry(GRID, plane, radiological);

const LINE = newMark('line', {
  points: [
    [4, 5, 6],
    [14, 9, 10]
  ]
});
const BOX = newMark('box', {
  points: [
    [4, 5, 6],
    [14, 9, 10.2]
  ]
});
const DISC = newMark('ellipse', {
  plane: 'axial',
  points: [
    [4, 6, 9],
    [14, 12, 9]
  ]
});

describe('where marks are shown', () => {
  it.each([
    [5, null],
    [6, [false, true]],
    [8, [true, true]],
    [10, [true, false]],
    [11, null]
  ])(
    'a line through slices, on slice %i: ends that lie elsewhere are faded',
    (index, faded) => {
      const shape = shapeOf(LINE, slice('axial'), index);
      expect(shape?.handles.map(({ isFaded }) => isFaded) ?? null).toEqual(
        faded
      );
    }
  );

  it('a line within one slice is whole there', () => {
    const flat = changed(LINE, {
      points: [
        [4, 5, 6],
        [14, 9, 6]
      ]
    });
    expect(shapeOf(flat, slice('axial'), 6)?.lines[0].isFaded).toBe(false);
  });

  it.each([
    ['axial', 5, false],
    ['axial', 6, true],
    ['axial', 10, true],
    ['axial', 11, false],
    ['sagittal', 3, false],
    ['sagittal', 4, true],
    ['sagittal', 15, false],
    ['coronal', 9, true],
    ['coronal', 10, false]
  ] as [Plane, number, boolean][])(
    'a box in the %s plane, slice %i: %s',
    (plane, index, isShown) => {
      expect(shapeOf(BOX, slice(plane), index) !== null).toBe(isShown);
    }
  );

  it.each([
    // Through the middle the chord is the diameter; at half the radius sqrt 3 / 2 of it.
    [9, 6],
    [11.5, 6 * (Math.sqrt(3) / 2)],
    [14, 0]
  ])('a disc seen from its edge at %d shows a chord of %d', (index, chord) => {
    const shape = shapeOf(DISC, slice('sagittal'), index);
    const [[x0], [x1]] = shape?.lines[0].points ?? [[NaN], [NaN]];
    expect(Math.abs(x1 - x0)).toBeCloseTo(chord, 9);
  });

  it('a class is not drawn as a shape', () => {
    const mark = newMark('class', { plane: 'axial', points: [[1, 1, 9]] });
    expect(shapeOf(mark, slice('axial'), 9)).toBeNull();
  });
});

describe('handles', () => {
  const marks: [string, IMark][] = [
    ['line', LINE],
    ['box', BOX],
    ['disc', DISC]
  ];
  const cases = marks.flatMap(([name, mark]) =>
    PLANES.map(plane => [name, plane, mark] as [string, Plane, IMark])
  );

  it.each(cases)(
    'of a %s (%s) lie where they put the mark',
    (_, plane, mark) => {
      for (const radiological of [true, false]) {
        const geometry = slice(plane, radiological);
        const index = Math.round(mark.points[0][geometry.w]);
        for (const handle of shapeOf(mark, geometry, index)?.handles ?? []) {
          const there = ijkAt(geometry, ...handle.at, index);
          expect(afterHandle(mark, geometry, handle, there)).toEqual(
            mark.points
          );
        }
      }
    }
  );

  it.each(cases)(
    'of a %s (%s) never move it through the slices',
    (_, plane, mark) => {
      const random = randomFrom(7);
      const geometry = slice(plane);
      const index = Math.round(mark.points[0][geometry.w]);
      for (const handle of shapeOf(mark, geometry, index)?.handles ?? []) {
        const to: Triple = [random() * 9, random() * 9, random() * 9];
        const through = (points: Triple[]) =>
          points.map(point => point[geometry.w]);
        expect(through(afterHandle(mark, geometry, handle, to))).toEqual(
          through(mark.points)
        );
      }
    }
  );
});

describe('what a press takes hold of', () => {
  const view = { slice: slice('axial'), index: 9, scale: 4 };
  const pixel = (ijk: Triple): [number, number] => [29 - ijk[0], 23 - ijk[1]];

  it('is the handle, else the line, and not the inside', () => {
    const square = newMark('rectangle', {
      plane: 'axial',
      points: DISC.points
    });
    const at = (ijk: Triple) => pick([square], view, pixel(ijk), null);

    expect(at([4.5, 6, 9])?.handle).toMatchObject({ u: 0, v: 0 });
    expect(at([6.6, 6.2, 9])?.mark).toBe(square);
    expect(at([6.6, 6.2, 9])?.handle).toBeNull();
    expect(at([9, 9, 9])).toBeNull();
    expect(
      pick([square], { ...view, index: 8 }, pixel([4, 6, 9]), null)
    ).toBeNull();
  });

  it('is the selected mark where two lie on each other', () => {
    const other = { ...DISC, id: '000000000000' };
    for (const chosen of [DISC, other]) {
      const found = pick([DISC, other], view, pixel([4, 9, 9]), chosen.id);
      expect(found?.mark).toBe(chosen);
    }
  });
});

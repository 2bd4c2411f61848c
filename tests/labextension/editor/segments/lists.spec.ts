import { describe, expect, it } from 'vitest';

import { LabelMap } from '../../../../labextension/src/editor/labels/label_map';
import {
  CODES,
  searchCodes
} from '../../../../labextension/src/editor/segments/codes';
import { statisticsCsv } from '../../../../labextension/src/editor/segments/statistics_csv';
import {
  centerOf,
  nextSliceWith
} from '../../../../labextension/src/editor/segments/where';
import { gridOf } from '../../../../labextension/src/editor/view/geometry';
import { labelInk } from '../../../../labextension/src/editor/view/raster';
import type { Triple } from '../../../../labextension/src/server/types';
import { diagonal, randomFrom, segmentOf } from '../tools_scene';

describe('codes', () => {
  it('are found by their beginning first, and by their value', () => {
    const found = (words: string) =>
      searchCodes(words, 3).map(({ meaning }) => meaning);
    expect(found('LIVER')[0]).toBe('Liver');
    expect(found('aorta')).toEqual([
      ...['Aorta', 'Abdominal aorta', 'Ascending aorta']
    ]);
    expect(found('10200004')).toEqual(['Liver']);
    expect(found('left lung')).toContain('Lung');
    expect(found('   ')).toEqual([]);
    expect(found('zzz')).toEqual([]);
  });

  it('are each there once', () => {
    expect(new Set(CODES.map(({ value }) => value)).size).toBe(CODES.length);
  });
});

describe('where a segment lies', () => {
  const SHAPE: Triple = [7, 6, 9];

  it('the next slice with it, along every axis and both ways', () => {
    const random = randomFrom(3);
    const map = new LabelMap(SHAPE);
    map.data.forEach((_, at) => {
      map.data[at] = random() < 0.02 ? 3 : Math.floor(random() * 3);
    });
    for (const axis of [0, 1, 2]) {
      const has = Array.from({ length: SHAPE[axis] }, () => false);
      map.data.forEach((label, at) => {
        const ijk = [at % 7, Math.floor(at / 7) % 6, Math.floor(at / 42)];
        has[ijk[axis]] ||= label === 3;
      });
      for (let from = 0; from < SHAPE[axis]; from++) {
        const next = has.findIndex((is, at) => is && at > from);
        const before = has.slice(0, from).lastIndexOf(true);
        const found = [1, -1].map(step =>
          nextSliceWith(map, 3, axis, from, step as 1 | -1)
        );
        expect(found).toEqual([
          ...[next, before].map(at => (at < 0 ? null : at))
        ]);
      }
    }
  });

  it('its middle, or the voxel of it nearest to that', () => {
    const map = new LabelMap(SHAPE);
    const set = (i: number, j: number, k: number) => {
      map.data[i + 7 * (j + 6 * k)] = 2;
    };
    const grid = gridOf(SHAPE, diagonal([1, 1, 5]));
    expect(centerOf(map, 2, grid)).toBeNull();
    set(1, 1, 1);
    set(5, 1, 1);
    // The middle (3, 1, 1) is empty; both are 2 mm away, the first is taken.
    expect(centerOf(map, 2, grid)).toEqual([1, 1, 1]);
    set(3, 1, 1);
    expect(centerOf(map, 2, grid)).toEqual([3, 1, 1]);
  });
});

describe('the table as a file', () => {
  it('quotes names, and never begins a cell like a formula', () => {
    const row = {
      ...{ segment: 1, voxels: 2, volume_mm3: 0.1, mean: -3.5, sd: 0 },
      ...{ median: null, min: -4, max: 1e-7, surface_mm2: 6, diameter_mm: 1.5 },
      centroid_mm: [-1, 2.25, 3] as [number, number, number]
    };
    const csv = statisticsCsv([row], () => '=cmd|"x", \n<img onerror>', 'mm');
    expect(csv).toBe(
      'segment,name,voxels,volume_mm3,mean,sd,median,min,max,surface_mm2,' +
        'diameter_mm,r_mm,a_mm,s_mm\r\n' +
        '1,"\'=cmd|""x"", \n<img onerror>",2,0.1,-3.5,0,,-4,1e-7,6,1.5,-1,2.25,3\r\n'
    );
  });
});

describe('the colours of a label map', () => {
  it('each segment has its own share of the opacity, and an outline or none', () => {
    const map = new LabelMap([1, 1, 1], undefined, [
      segmentOf({ id: 1, color: '#102030' }),
      segmentOf({ id: 2, color: '#102030', opacity: 50, outlined: false }),
      segmentOf({ id: 3, color: '#102030', opacity: 0 }),
      segmentOf({ id: 4, visible: false })
    ]);
    const { fill, rim } = labelInk(map, 0.8, true);
    // 0xAABBGGRR: 0.8 x 0.65 beside an outline, 0.8 x 0.5 without one.
    expect(fill[1]).toBe(0x85302010);
    expect(fill[2]).toBe(0x66302010);
    expect(fill[3] >>> 24).toBe(0);
    expect(Array.from(rim?.slice(1, 5) ?? [])).toEqual([
      ...[0xff302010, 0, 0xff302010, 0]
    ]);
    expect(fill[4]).toBe(0);
  });
});

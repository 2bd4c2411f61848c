import { describe, expect, it } from 'vitest';

import {
  AGREED,
  differenceOf,
  EXTRA,
  MISSED,
  OTHER
} from '../../../labextension/src/view3d/difference';

describe('differenceOf', () => {
  it('tells agreed, missed, extra and another segment apart', () => {
    const labels = Uint8Array.of(0, 1, 1, 0, 2);
    const prediction = Uint16Array.of(0, 1, 0, 300, 1);

    const { data, segments } = differenceOf(labels, prediction);

    expect(Array.from(data)).toEqual([0, AGREED, MISSED, EXTRA, OTHER]);
    expect(segments).toHaveLength(4);
  });

  it('leaves the fourth colour out of the legend where there is one segment', () => {
    const { segments } = differenceOf(Uint8Array.of(1, 0), Uint8Array.of(0, 1));

    expect(segments.map(segment => segment.name)).toEqual([
      'agreed',
      'missed',
      'extra'
    ]);
  });
});

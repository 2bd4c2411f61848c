import { describe, expect, it } from 'vitest';

import {
  automaticWindow,
  brightness,
  lookupFor
} from '../../../labextension/src/editor/view/intensity';

describe('a window', () => {
  it('has its mid-grey half a unit below the center, as DICOM says', () => {
    expect(brightness(39.5, { center: 40, width: 400 })).toBe(128);
  });

  it.each([
    [-160.5, 0],
    [-161, 0],
    [239, 255],
    [3000, 255]
  ])('shows %d HU as %d at its ends', (value, level) => {
    expect(brightness(value, { center: 40, width: 400 })).toBe(level);
  });

  it('of a scan from 0 to 1 still has contrast', () => {
    const window = { center: 0.5, width: 1 };

    expect(brightness(0, window)).toBe(0);
    expect(brightness(1, window)).toBe(255);
  });

  it('looks up every integer as it would be computed', () => {
    const window = { center: -600, width: 1500 };
    const lookup = lookupFor({ dtype: 'i2' }, window);

    for (const value of [-32768, -1351, -1350, -600, 149, 150, 32767]) {
      const pixel = lookup?.pixels[value + lookup.offset] ?? 0;
      expect(pixel & 255).toBe(brightness(value, window));
      expect(pixel >>> 24).toBe(255);
    }
  });

  it('shows the greatest values black where a film would', () => {
    const window = { center: 128, width: 256 };
    const levels = [0, 100, 255].map(value => {
      const film = lookupFor({ dtype: 'u1', inverted: true }, window);
      const screen = lookupFor({ dtype: 'u1' }, window);
      return [film, screen].map(lookup => (lookup?.pixels[value] ?? 0) & 255);
    });
    expect(levels).toEqual([
      [255, 0],
      [155, 100],
      [0, 255]
    ]);
  });

  it('is computed for floating point, where nothing can be looked up', () => {
    expect(lookupFor({ dtype: 'f4' }, { center: 0, width: 1 })).toBeNull();
  });
});

describe('the automatic window', () => {
  it('runs from the 1st to the 99th percentile', () => {
    const voxels = Int16Array.from({ length: 10_001 }, (_, at) => at);

    const { center, width } = automaticWindow(voxels);

    expect(Math.abs(center / 5000 - 1)).toBeLessThan(0.01);
    expect(width / 9800).toBeCloseTo(1, 2);
  });

  it('leaves out the padding around a body', () => {
    const voxels = new Float32Array(20_000).fill(-2000);
    for (let at = 0; at < 8000; at++) {
      voxels[at] = at % 100;
    }

    const { center, width } = automaticWindow(voxels);

    expect(center - width / 2).toBeGreaterThanOrEqual(0);
  });

  it('of a scan without contrast has a width all the same', () => {
    const window = automaticWindow(new Int16Array(100).fill(7));

    expect(window.center).toBe(7);
    expect(window.width).toBeGreaterThan(0);
  });
});

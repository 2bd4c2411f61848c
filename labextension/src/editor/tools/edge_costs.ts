import { brightness } from '../view/intensity';
import type { ISliceGeometry } from '../view/geometry';
import { walk } from '../view/raster';
import type { Scene } from '../view/scene';

/*
 * What it costs a line to run between pixels. The line's places are the corners of the
 * pixels; corner (x, y) is the upper left one of pixel (x, y). A step to the next corner
 * separates two pixels: it is the cheaper the more they differ, as the window shows them,
 * and the shorter it is in millimetres. So what a closed line encloses is whole pixels.
 */

export interface IEdgeCosts {
  /** Corners across and down: one more than pixels. */
  columns: number;
  rows: number;
  /** Step from a corner to the one at its right, and to the one below it; 1 or more. */
  right: Uint16Array;
  down: Uint16Array;
  /** Dearest step. */
  most: number;
  /** A step along no edge at all, to the right and down. */
  flat: readonly [number, number];
}

/** Cost of a step of one pixel's length with no edge; with a perfect edge, this part. */
const UNIT = 64;
const FREE = 0.06;
/** Half as cheap as can be at this difference, of 255 levels of brightness. */
const FAINTEST = 6;
/** Part of the places that differ where there is noise. */
const NOISY = 0.2;

export function edgeCosts(
  scene: Pick<Scene, 'volume' | 'lookup' | 'window'>,
  slice: ISliceGeometry,
  index: number
): IEdgeCosts {
  const levels = levelsOf(scene, slice, index);
  const { width, height, sizeU, sizeV } = slice;
  const shortest = Math.min(sizeU, sizeV);
  const [columns, rows] = [width + 1, height + 1];
  // The difference across a step to the right is one of rows, and the other way round.
  const across = differences(levels, width, height, 'down');
  const along = differences(levels, width, height, 'right');
  const faint = Math.max(FAINTEST, 3 * typical(across), 3 * typical(along));
  const long = Math.min(64, sizeU / shortest);
  const high = Math.min(64, sizeV / shortest);
  const right = costs(across, faint, long);
  const down = costs(along, faint, high);
  const flat = [stepCost(0, faint, long), stepCost(0, faint, high)] as const;
  return { columns, rows, right, down, most: Math.max(...flat), flat };
}

/** Brightness of each pixel of the slice as it is shown, 0 to 255. */
function levelsOf(
  { volume, lookup, window }: Pick<Scene, 'volume' | 'lookup' | 'window'>,
  slice: ISliceGeometry,
  index: number
): Int16Array {
  const { width, height } = slice;
  const { channels, shape } = volume.info;
  const { start, stepX, stepY } = walk(slice, index, shape);
  const levels = new Int16Array(width * height);
  const { data } = volume;
  for (let y = 0, p = 0; y < height; y++) {
    let at = start + y * stepY;
    for (let x = 0; x < width; x++, p++, at += stepX) {
      if (channels === 3) {
        levels[p] = (data[3 * at] + data[3 * at + 1] + data[3 * at + 2]) / 3;
      } else if (lookup) {
        levels[p] = lookup.pixels[data[at] + lookup.offset] & 255;
      } else {
        levels[p] = brightness(data[at], window);
      }
    }
  }
  return levels;
}

/**
 * By how many quarters of a level pixels differ from the one above (or at the left), one
 * a corner.
 *
 * Averaged with the neighbours along the edge, 1 : 2 : 1, so that noise counts less. Outside
 * of the slice there is nothing to differ from.
 */
function differences(
  levels: Int16Array,
  width: number,
  height: number,
  towards: 'right' | 'down'
): Uint16Array {
  const columns = width + 1;
  const found = new Uint16Array(columns * (height + 1));
  const isDown = towards === 'down';
  const step = isDown ? width : 1;
  const side = isDown ? 1 : width;
  const last = isDown ? width - 1 : height - 1;
  for (let y = isDown ? 1 : 0; y < height; y++) {
    for (let x = isDown ? 0 : 1; x < width; x++) {
      const at = x + width * y;
      const place = isDown ? x : y;
      const here = levels[at] - levels[at - step];
      const one = place > 0 ? at - side : at;
      const other = place < last ? at + side : at;
      found[x + columns * y] = Math.abs(
        2 * here +
          (levels[one] - levels[one - step]) +
          (levels[other] - levels[other - step])
      );
    }
  }
  return found;
}

/**
 * Median of the differences that are not nothing: what noise and texture make.
 *
 * 0 where few places differ at all: those are edges, and the ground is flat.
 */
function typical(differing: Uint16Array): number {
  const counts = new Uint32Array(256);
  let total = 0;
  for (let at = 0; at < differing.length; at += 3) {
    if (differing[at] > 0) {
      counts[Math.min(255, differing[at] >> 2)]++;
      total++;
    }
  }
  if (total < NOISY * (differing.length / 3)) {
    return 0;
  }
  let below = 0;
  for (let level = 0; level < 256; level++) {
    below += counts[level];
    if (2 * below >= total) {
      return level;
    }
  }
  return 0;
}

function costs(
  differing: Uint16Array,
  faint: number,
  length: number
): Uint16Array {
  const table = new Uint16Array(4 * 256);
  for (let quarter = 0; quarter < table.length; quarter++) {
    table[quarter] = stepCost(quarter / 4, faint, length);
  }
  const found = new Uint16Array(differing.length);
  for (let at = 0; at < differing.length; at++) {
    found[at] = table[differing[at]];
  }
  return found;
}

function stepCost(level: number, faint: number, length: number): number {
  const edge = (level * level) / (level * level + faint * faint);
  return 1 + Math.round(UNIT * length * (FREE + (1 - FREE) * (1 - edge)));
}

import type { Box, Voxels } from '../../server/voxels';

import type { ISliceGeometry } from './geometry';
import { brightness, greyPixel, type ILookup, type IWindow } from './intensity';
import type { LabelMap } from '../labels/label_map';
import type { Occupancy } from './occupancy';
import type { Volume } from './volume';

/** A part of a slice, in its own pixels; half-open. */
export interface IRect {
  x0: number;
  x1: number;
  y0: number;
  y1: number;
}

/** Where a slice's pixels lie among the voxels. */
export interface IWalk {
  start: number;
  stepX: number;
  stepY: number;
}

export function walk(
  slice: ISliceGeometry,
  index: number,
  shape: readonly number[]
): IWalk {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const su = strides[slice.u];
  const sv = strides[slice.v];
  return {
    start:
      index * strides[slice.w] +
      (slice.flipU ? (slice.width - 1) * su : 0) +
      (slice.flipV ? (slice.height - 1) * sv : 0),
    stepX: slice.flipU ? -su : su,
    stepY: slice.flipV ? -sv : sv
  };
}

/** Draws a slice of the volume as opaque pixels, `0xAABBGGRR`. */
export function drawSlice(
  out: Uint32Array,
  volume: Volume,
  slice: ISliceGeometry,
  index: number,
  lookup: ILookup | null,
  window: IWindow
): void {
  const { start, stepX, stepY } = walk(slice, index, volume.info.shape);
  const { width, height } = slice;
  const { channels, inverted } = volume.info;
  if (channels === 3) {
    drawColours(out, volume.data, width, height, start, stepX, stepY);
  } else if (lookup) {
    drawIntegers(out, volume.data, width, height, start, stepX, stepY, lookup);
  } else {
    for (let y = 0, p = 0; y < height; y++) {
      for (let x = 0, at = start + y * stepY; x < width; x++, at += stepX) {
        out[p++] = greyPixel(brightness(volume.data[at], window), inverted);
      }
    }
  }
}

/** Makes those pixels of a slice clear whose voxels have not arrived. */
export function blankMissing(
  out: Uint32Array,
  volume: Volume,
  { u, v, w, flipU, flipV, width, height }: ISliceGeometry,
  index: number
): void {
  if (volume.isWhole) {
    return;
  }
  if (w === 2) {
    if (!volume.hasArrived(index)) {
      out.fill(0);
    }
  } else if (v === 2) {
    for (let y = 0; y < height; y++) {
      if (!volume.hasArrived(flipV ? height - 1 - y : y)) {
        out.fill(0, y * width, (y + 1) * width);
      }
    }
  } else if (u === 2) {
    for (let x = 0; x < width; x++) {
      if (!volume.hasArrived(flipU ? width - 1 - x : x)) {
        for (let p = x; p < out.length; p += width) {
          out[p] = 0;
        }
      }
    }
  }
}

function drawIntegers(
  out: Uint32Array,
  data: Voxels,
  width: number,
  height: number,
  start: number,
  stepX: number,
  stepY: number,
  lookup: ILookup
): void {
  const { pixels, offset } = lookup;
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0, at = start + y * stepY; x < width; x++, at += stepX) {
      out[p++] = pixels[data[at] + offset];
    }
  }
}

function drawColours(
  out: Uint32Array,
  data: Voxels,
  width: number,
  height: number,
  start: number,
  stepX: number,
  stepY: number
): void {
  for (let y = 0, p = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (start + y * stepY + x * stepX);
      const blue = data[at + 2] << 16;
      out[p++] = (0xff000000 | blue | (data[at + 1] << 8) | data[at]) >>> 0;
    }
  }
}

/** How labels are coloured over the image. */
export interface ILabelInk {
  /** Pixel of each label inside an area; 0 is clear. */
  fill: Uint32Array;
  /** Pixel of each label at the rim of an area, 0 for none; null draws no rims. */
  rim: Uint32Array | null;
}

/**
 * Mixes the colours of visible segments; each has its own share of the opacity, and an
 * outline or none.
 *
 * @param opacity - of the areas, 0 to 1
 * @param rimOpacity - of the outlines, 0 to 1
 */
export function labelInk(
  map: Pick<LabelMap, 'segments'>,
  opacity: number,
  outlined: boolean,
  rimOpacity = 1
): ILabelInk {
  const fill = new Uint32Array(65536);
  const rim = outlined ? new Uint32Array(65536) : null;
  for (const segment of map.segments) {
    if (!segment.visible) {
      continue;
    }
    const hasRim = rim && segment.outlined;
    const share = (segment.opacity / 100) * (hasRim ? 0.65 : 1);
    const bgr = bgrOf(segment.color);
    fill[segment.id] = inked(bgr, opacity * share);
    if (hasRim) {
      rim[segment.id] = inked(bgr, rimOpacity);
    }
  }
  return { fill, rim };
}

function bgrOf(color: string): number {
  const rgb = parseInt(color.slice(1), 16);
  return ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16);
}

function inked(bgr: number, opacity: number): number {
  return ((Math.round(255 * opacity) << 24) | bgr) >>> 0;
}

/**
 * Draws the labels in a part of a slice; `out` holds the whole slice.
 *
 * @param occupied - where there may be labels; without it, everywhere
 */
export function drawLabels(
  out: Uint32Array,
  map: LabelMap,
  slice: ISliceGeometry,
  index: number,
  ink: ILabelInk,
  rect: IRect,
  occupied?: Occupancy
): void {
  const { start, stepX, stepY } = walk(slice, index, map.shape);
  const { fill, rim } = ink;
  const data = map.data;
  const { width, height } = slice;
  const [x0, x1] = occupied
    ? columnsIn(occupied, slice, rect)
    : [rect.x0, rect.x1];
  for (let y = rect.y0; y < rect.y1; y++) {
    const row = y * width;
    const isClear = occupied && !hasRow(occupied, slice, index, y);
    if (isClear || x0 >= x1) {
      out.fill(0, row + rect.x0, row + rect.x1);
      continue;
    }
    out.fill(0, row + rect.x0, row + x0);
    out.fill(0, row + x1, row + rect.x1);
    let at = start + y * stepY + x0 * stepX;
    let p = row + x0;
    for (let x = x0; x < x1; x++, at += stepX, p++) {
      const label = data[at];
      out[p] = fill[label];
      if (rim && rim[label] !== 0) {
        const inner =
          x > 0 &&
          x + 1 < width &&
          y > 0 &&
          y + 1 < height &&
          data[at - stepX] === label &&
          data[at + stepX] === label &&
          data[at - stepY] === label &&
          data[at + stepY] === label;
        if (!inner) {
          out[p] = rim[label];
        }
      }
    }
  }
}

/** The columns of a part in which there may be labels, half-open. */
function columnsIn(
  occupied: Occupancy,
  { u, width, flipU }: ISliceGeometry,
  { x0, x1 }: IRect
): [number, number] {
  if (u === 2) {
    return [x0, x1];
  }
  const [low, high] = occupied.extent.slice(2 * u, 2 * u + 2);
  const [first, last] = flipU ? [width - high, width - low] : [low, high];
  return [Math.max(x0, first), Math.min(x1, last)];
}

/** There may be labels in this row of a slice. */
function hasRow(
  occupied: Occupancy,
  { v, w, height, flipV }: ISliceGeometry,
  index: number,
  y: number
): boolean {
  const along = flipV ? height - 1 - y : y;
  const has = (axis: number, at: number) =>
    axis === 2
      ? occupied.hasPlane(at)
      : at >= occupied.extent[2 * axis] && at < occupied.extent[2 * axis + 1];
  return has(w, index) && has(v, along);
}

/** The part of slice `index` that a box covers, one pixel wider; null if it misses it. */
export function rectOf(
  slice: ISliceGeometry,
  index: number,
  box: Box
): IRect | null {
  if (index < box[2 * slice.w] || index >= box[2 * slice.w + 1]) {
    return null;
  }
  const [u0, u1] = [box[2 * slice.u], box[2 * slice.u + 1]];
  const [v0, v1] = [box[2 * slice.v], box[2 * slice.v + 1]];
  const { width, height } = slice;
  return {
    x0: Math.max(0, (slice.flipU ? width - u1 : u0) - 1),
    x1: Math.min(width, (slice.flipU ? width - u0 : u1) + 1),
    y0: Math.max(0, (slice.flipV ? height - v1 : v0) - 1),
    y1: Math.min(height, (slice.flipV ? height - v0 : v1) + 1)
  };
}

export function unionRect(a: IRect | null, b: IRect): IRect {
  return a
    ? {
        x0: Math.min(a.x0, b.x0),
        x1: Math.max(a.x1, b.x1),
        y0: Math.min(a.y0, b.y0),
        y1: Math.max(a.y1, b.y1)
      }
    : b;
}

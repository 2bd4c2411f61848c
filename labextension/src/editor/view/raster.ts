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

/** Draws a slice as opaque pixels, `0xAABBGGRR`; clear where voxels have not arrived. */
export function drawSlice(
  out: Uint32Array,
  volume: Volume,
  slice: ISliceGeometry,
  index: number,
  lookup: ILookup | null,
  window: IWindow
): void {
  const { width } = slice;
  const { data, info } = volume;
  const where = walk(slice, index, info.shape);
  if (!volume.isWhole) {
    out.fill(0);
  }
  for (const rect of arrivedIn(volume, slice, index)) {
    if (info.channels === 3) {
      drawColours(out, data, width, rect, where);
    } else if (lookup) {
      drawIntegers(out, data, width, rect, where, lookup);
    } else {
      drawAny(out, data, width, rect, where, window, info.inverted);
    }
  }
}

/**
 * The parts of a slice whose voxels are here. The others are not even looked at: memory
 * that was never written to is slow to read.
 */
function arrivedIn(
  volume: Volume,
  { u, w, flipU, flipV, width, height }: ISliceGeometry,
  index: number
): IRect[] {
  const all = { x0: 0, x1: width, y0: 0, y1: height };
  if (volume.isWhole) {
    return [all];
  }
  if (w === 2) {
    return volume.hasArrived(index) ? [all] : [];
  }
  return volume
    .arrivedRuns()
    .map(([k0, k1]) =>
      u === 2
        ? { ...all, x0: flipU ? width - k1 : k0, x1: flipU ? width - k0 : k1 }
        : { ...all, y0: flipV ? height - k1 : k0, y1: flipV ? height - k0 : k1 }
    );
}

function drawIntegers(
  out: Uint32Array,
  data: Voxels,
  width: number,
  { x0, x1, y0, y1 }: IRect,
  { start, stepX, stepY }: IWalk,
  { pixels, offset }: ILookup
): void {
  for (let y = y0; y < y1; y++) {
    let at = start + y * stepY + x0 * stepX;
    for (let p = y * width + x0; p < y * width + x1; p++, at += stepX) {
      out[p] = pixels[data[at] + offset];
    }
  }
}

function drawAny(
  out: Uint32Array,
  data: Voxels,
  width: number,
  { x0, x1, y0, y1 }: IRect,
  { start, stepX, stepY }: IWalk,
  window: IWindow,
  inverted?: boolean
): void {
  for (let y = y0; y < y1; y++) {
    let at = start + y * stepY + x0 * stepX;
    for (let p = y * width + x0; p < y * width + x1; p++, at += stepX) {
      out[p] = greyPixel(brightness(data[at], window), inverted);
    }
  }
}

function drawColours(
  out: Uint32Array,
  data: Voxels,
  width: number,
  { x0, x1, y0, y1 }: IRect,
  { start, stepX, stepY }: IWalk
): void {
  for (let y = y0; y < y1; y++) {
    let at = 3 * (start + y * stepY + x0 * stepX);
    for (let p = y * width + x0; p < y * width + x1; p++, at += 3 * stepX) {
      const blue = data[at + 2] << 16;
      out[p] = (0xff000000 | blue | (data[at + 1] << 8) | data[at]) >>> 0;
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

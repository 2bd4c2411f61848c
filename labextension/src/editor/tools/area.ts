import type { Triple } from '../../server/types';
import type { Box, Voxels } from '../../server/voxels';

import { isEmpty } from '../labels/box';
import type { ISliceGeometry } from '../view/geometry';
import type { Ink } from './ink';

/** Areas of one slice: what an outline encloses, and what is connected to a voxel. */

/**
 * Paints the pixels whose centres the outline encloses (even-odd rule).
 *
 * @param outline - slice pixels (x, y), closed by itself
 * @param index - the slice
 */
export function paintOutline(
  ink: Ink,
  slice: ISliceGeometry,
  outline: readonly [number, number][],
  index: number
): Box {
  const ys = outline.map(point => point[1]);
  const top = Math.max(0, Math.ceil(Math.min(...ys)));
  const bottom = Math.min(slice.height - 1, Math.floor(Math.max(...ys)));
  const rows: [number, number, number][] = [];
  for (let y = top; y <= bottom; y++) {
    const crossings = crossingsAt(outline, y);
    for (let at = 0; at + 1 < crossings.length; at += 2) {
      const first = Math.max(0, Math.ceil(crossings[at] - 1e-9));
      const last = Math.min(
        slice.width - 1,
        Math.floor(crossings[at + 1] + 1e-9)
      );
      if (last >= first) {
        rows.push([first, last, y]);
      }
    }
  }
  return paintRows(ink, slice, rows, index);
}

/** Paints the pixels whose centres lie in the ellipse between two corners. */
export function paintEllipse(
  ink: Ink,
  slice: ISliceGeometry,
  [x0, y0]: readonly [number, number],
  [x1, y1]: readonly [number, number],
  index: number
): Box {
  const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const [rx, ry] = [Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2];
  const top = Math.max(0, Math.ceil(cy - ry));
  const bottom = Math.min(slice.height - 1, Math.floor(cy + ry));
  const rows: [number, number, number][] = [];
  for (let y = top; y <= bottom; y++) {
    const part = ry > 0 ? (y - cy) / ry : 0;
    const half = rx * Math.sqrt(Math.max(0, 1 - part * part));
    const first = Math.max(0, Math.ceil(cx - half - 1e-9));
    const last = Math.min(slice.width - 1, Math.floor(cx + half + 1e-9));
    if (last >= first) {
      rows.push([first, last, y]);
    }
  }
  return paintRows(ink, slice, rows, index);
}

function crossingsAt(
  outline: readonly [number, number][],
  y: number
): number[] {
  const crossings: number[] = [];
  for (let at = 0; at < outline.length; at++) {
    const [x0, y0] = outline[at];
    const [x1, y1] = outline[(at + 1) % outline.length];
    if (y0 <= y !== y1 <= y) {
      crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    }
  }
  return crossings.sort((a, b) => a - b);
}

/**
 * Paints the pixels connected (by their sides) to a seed that carry the seed's label and
 * an intensity within `tolerance` of its own.
 */
export function paintConnected(
  ink: Ink,
  slice: ISliceGeometry,
  seed: Triple,
  voxels: Voxels | null,
  tolerance: number
): Box {
  const { width, height } = slice;
  const { data, strides } = ink.map;
  const seedAt = seed[0] + seed[1] * strides[1] + seed[2] * strides[2];
  const label = data[seedAt];
  const low = voxels ? voxels[seedAt] - tolerance : 0;
  const high = voxels ? voxels[seedAt] + tolerance : 0;
  const su = strides[slice.u];
  const sv = strides[slice.v];
  const origin = seed[slice.w] * strides[slice.w];
  const belongs = (u: number, v: number) => {
    const at = origin + u * su + v * sv;
    return (
      data[at] === label &&
      (!voxels || (voxels[at] >= low && voxels[at] <= high))
    );
  };
  const seen = new Uint8Array(width * height);
  const stack = [seed[slice.u] + width * seed[slice.v]];
  seen[stack[0]] = 1;
  const rows: [number, number, number][] = [];
  const visit = (u: number, v: number) => {
    const at = u + width * v;
    if (!seen[at] && belongs(u, v)) {
      seen[at] = 1;
      stack.push(at);
    }
  };
  while (stack.length > 0) {
    const at = stack.pop() as number;
    const u = at % width;
    const v = (at - u) / width;
    rows.push([u, u, v]);
    if (u > 0) {
      visit(u - 1, v);
    }
    if (u + 1 < width) {
      visit(u + 1, v);
    }
    if (v > 0) {
      visit(u, v - 1);
    }
    if (v + 1 < height) {
      visit(u, v + 1);
    }
  }
  // Found in voxel indices: no flips to undo.
  return paintRows(
    ink,
    { ...slice, flipU: false, flipV: false },
    rows,
    seed[slice.w]
  );
}

function paintRows(
  ink: Ink,
  slice: ISliceGeometry,
  rows: readonly [number, number, number][],
  index: number
): Box {
  const box: Box = [Infinity, 0, Infinity, 0, Infinity, 0];
  box[2 * slice.w] = index;
  box[2 * slice.w + 1] = index + 1;
  const indexed = rows.map(([first, last, y]): [number, number, number] => {
    const start = slice.flipU ? slice.width - 1 - last : first;
    const v = slice.flipV ? slice.height - 1 - y : y;
    return [start, start + last - first + 1, v];
  });
  for (const [start, end, v] of indexed) {
    box[2 * slice.u] = Math.min(box[2 * slice.u], start);
    box[2 * slice.u + 1] = Math.max(box[2 * slice.u + 1], end);
    box[2 * slice.v] = Math.min(box[2 * slice.v], v);
    box[2 * slice.v + 1] = Math.max(box[2 * slice.v + 1], v + 1);
  }
  if (isEmpty(box)) {
    return [0, 0, 0, 0, 0, 0];
  }
  ink.stroke.touch(box);
  const strides = ink.map.strides;
  for (const [start, end, v] of indexed) {
    const at =
      start * strides[slice.u] +
      v * strides[slice.v] +
      index * strides[slice.w];
    ink.row(at, end - start, strides[slice.u]);
  }
  return box;
}

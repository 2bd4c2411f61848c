import type { IMark, Triple } from '../../server/types';

import { type ISliceGeometry, pixelOf } from '../view/geometry';

import { extent } from './mark';

/** What a plane shows of a mark, in slice pixels; pixel centres are integers. */
export interface IMarkShape {
  lines: IMarkLine[];
  handles: IHandle[];
  /** Where its words begin. */
  anchor: Pixel;
}

export type Pixel = [number, number];

export interface IMarkLine {
  points: Pixel[];
  isClosed: boolean;
  /** It lies on another slice, or leads to one. */
  isFaded: boolean;
}

/** A place to take hold of a mark. */
export interface IHandle {
  at: Pixel;
  /** The point of the mark whose coordinate across the screen follows; null: none. */
  u: number | null;
  /** The same down the screen. */
  v: number | null;
  /** The point lies on another slice. */
  isFaded: boolean;
}

/** @returns null where the mark does not meet the slice */
export function shapeOf(
  mark: IMark,
  slice: ISliceGeometry,
  index: number
): IMarkShape | null {
  if (mark.points.length === 0 || mark.kind === 'class') {
    return null;
  }
  const { low, high } = extent(mark);
  if (index < low[slice.w] - 0.5 || index >= high[slice.w] + 0.5) {
    return null;
  }
  if (mark.points.length < 2 || mark.kind === 'line' || mark.kind === 'angle') {
    return pathShape(mark, slice, index);
  }
  const isFlatHere = mark.plane === slice.plane || mark.kind === 'box';
  return isFlatHere
    ? facingShape(mark, slice, low, high)
    : edgeShape(mark, slice, index, low, high);
}

/** Points joined by lines; what lies on other slices is faded. */
function pathShape(
  mark: IMark,
  slice: ISliceGeometry,
  index: number
): IMarkShape {
  const at = mark.points.map(point => pixelOf(slice, point));
  const isAway = mark.points.map(
    point => Math.abs(point[slice.w] - index) > 0.5
  );
  const lines = at.slice(1).map((end, n) => ({
    points: [at[n], end],
    isClosed: false,
    isFaded: isAway[n] || isAway[n + 1]
  }));
  const handles = at.map((place, n) => ({
    ...{ at: place, u: n, v: n, isFaded: isAway[n] }
  }));
  return { lines, handles, anchor: anchorOf(at) };
}

/** A rectangle, an ellipse or a box, seen from the front. */
function facingShape(
  mark: IMark,
  slice: ISliceGeometry,
  low: Triple,
  high: Triple
): IMarkShape {
  const [a, b] = mark.points;
  const corner = (u: 0 | 1, v: 0 | 1): Pixel =>
    pixelOf(slice, place(slice, (u ? b : a)[slice.u], (v ? b : a)[slice.v]));
  const corners = [corner(0, 0), corner(1, 0), corner(1, 1), corner(0, 1)];
  const isRound = mark.kind === 'ellipse';
  const outline = isRound ? ellipse(slice, low, high) : corners;
  const half = (p: Pixel, q: Pixel): Pixel => [
    (p[0] + q[0]) / 2,
    (p[1] + q[1]) / 2
  ];
  const [c00, c10, c11, c01] = corners;
  const grip = (at: Pixel, u: number | null, v: number | null): IHandle => ({
    ...{ at, u, v, isFaded: false }
  });
  const edges = [
    grip(half(c00, c10), null, 0),
    grip(half(c10, c11), 1, null),
    grip(half(c11, c01), null, 1),
    grip(half(c01, c00), 0, null)
  ];
  const ends = [
    grip(c00, 0, 0),
    grip(c10, 1, 0),
    grip(c11, 1, 1),
    grip(c01, 0, 1)
  ];
  return {
    lines: [{ points: outline, isClosed: true, isFaded: false }],
    handles: isRound ? edges : [...ends, ...edges],
    anchor: anchorOf(outline)
  };
}

/** A flat mark of another plane, seen from its edge. */
function edgeShape(
  mark: IMark,
  slice: ISliceGeometry,
  index: number,
  low: Triple,
  high: Triple
): IMarkShape {
  const [from, to]: [Triple, Triple] = [[...low], [...high]];
  if (mark.kind === 'ellipse') {
    const half = (high[slice.w] - low[slice.w]) / 2;
    const off = half > 0 ? (index - low[slice.w]) / half - 1 : 0;
    const width = Math.sqrt(Math.max(0, 1 - off * off));
    for (const axis of [slice.u, slice.v]) {
      const center = (low[axis] + high[axis]) / 2;
      from[axis] = center - (center - low[axis]) * width;
      to[axis] = center + (high[axis] - center) * width;
    }
  }
  const points = [pixelOf(slice, from), pixelOf(slice, to)];
  return {
    lines: [{ points, isClosed: false, isFaded: false }],
    handles: [],
    anchor: anchorOf(points)
  };
}

function ellipse(slice: ISliceGeometry, low: Triple, high: Triple): Pixel[] {
  const center = (axis: number) => (low[axis] + high[axis]) / 2;
  const half = (axis: number) => (high[axis] - low[axis]) / 2;
  return Array.from({ length: 64 }, (_, n) => {
    const turn = (n * Math.PI) / 32;
    return pixelOf(
      slice,
      place(
        slice,
        center(slice.u) + half(slice.u) * Math.cos(turn),
        center(slice.v) + half(slice.v) * Math.sin(turn)
      )
    );
  });
}

function place(slice: ISliceGeometry, u: number, v: number): Triple {
  const ijk: Triple = [0, 0, 0];
  ijk[slice.u] = u;
  ijk[slice.v] = v;
  return ijk;
}

function anchorOf(points: readonly Pixel[]): Pixel {
  return points.reduce((best, point) => (point[0] > best[0] ? point : best));
}

/**
 * The mark's points after a handle was taken to voxel position `to`; what the handle
 * does not move, and the position through the slices, stays.
 */
export function afterHandle(
  mark: IMark,
  slice: ISliceGeometry,
  handle: Pick<IHandle, 'u' | 'v'>,
  to: Triple
): Triple[] {
  return mark.points.map((point, n) => {
    const next: Triple = [...point];
    if (handle.u === n) {
      next[slice.u] = to[slice.u];
    }
    if (handle.v === n) {
      next[slice.v] = to[slice.v];
    }
    return next;
  });
}

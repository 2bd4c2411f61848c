import type { IMark } from '../../server/types';

import type { IToolView, Point } from '../tools/tool';

import { type IHandle, type IMarkLine, type Pixel, shapeOf } from './shape';

/** Screen pixels within which a press takes hold. */
const REACH = 8;

/** What a press would take hold of; the whole mark where there is no handle. */
export interface IPick {
  mark: IMark;
  handle: IHandle | null;
}

/**
 * The mark under slice pixel `at`.
 *
 * Handles come before lines, the selected mark's before those of the others, and the
 * inside of a shape is free: another mark may be drawn there.
 */
export function pick(
  marks: readonly IMark[],
  view: Pick<IToolView, 'slice' | 'index' | 'scale'>,
  at: Point,
  selected: string | null
): IPick | null {
  const { slice, scale } = view;
  const across = scale * slice.sizeU;
  const down = scale * slice.sizeV;
  const screen = (pixel: Pixel): Pixel => [pixel[0] * across, pixel[1] * down];
  const point = screen(at);
  let best: IPick | null = null;
  let least = Infinity;
  const offer = (distance: number, found: IPick, handicap: number) => {
    const isFirst = found.mark.id === selected ? -0.5 : 0;
    if (distance <= REACH && distance + handicap + isFirst < least) {
      least = distance + handicap + isFirst;
      best = found;
    }
  };
  for (const mark of marks) {
    const shape = shapeOf(mark, slice, view.index);
    const handles = shape?.handles ?? [];
    const size = sizeOf(handles.map(({ at: pixel }) => screen(pixel)));
    for (const handle of handles) {
      const [x, y] = screen(handle.at);
      const distance = Math.hypot(x - point[0], y - point[1]);
      // A small shape must have room left to be taken as a whole.
      const isEdge = handle.u === null || handle.v === null;
      if (!isEdge || distance <= size / 6) {
        offer(distance, { mark, handle }, 0);
      }
    }
    for (const line of shape?.lines ?? []) {
      const distance = distanceTo(line, point, screen);
      offer(distance, { mark, handle: null }, REACH);
    }
  }
  return best;
}

/** The smaller side of the box around these places. */
function sizeOf(places: readonly Pixel[]): number {
  const sides = [0, 1].map(axis => {
    const along = places.map(place => place[axis]);
    return Math.max(...along) - Math.min(...along);
  });
  return Math.min(...sides);
}

function distanceTo(
  { points, isClosed }: IMarkLine,
  [x, y]: Pixel,
  screen: (pixel: Pixel) => Pixel
): number {
  const places = points.map(screen);
  const ends = isClosed ? [...places.slice(1), places[0]] : places.slice(1);
  const distances = ends.map(([bx, by], n) => {
    const [ax, ay] = places[n];
    const length2 = (bx - ax) ** 2 + (by - ay) ** 2;
    const along =
      length2 > 0 ? ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length2 : 0;
    const t = Math.min(1, Math.max(0, along));
    return Math.hypot(ax + t * (bx - ax) - x, ay + t * (by - ay) - y);
  });
  return Math.min(...distances);
}

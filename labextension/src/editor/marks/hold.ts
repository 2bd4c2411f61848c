import type { IMark, Triple } from '../../server/types';

import type { IDrag, IModifiers, ITool, IToolView, Point } from '../tools/tool';

import { changed, insideOf, moved } from './mark';
import type { MarkBoard } from './mark_board';
import { axisThrough } from './measure';
import { pick } from './pick';
import { afterHandle } from './shape';

/** Screen pixels that a press may tremble without moving anything. */
const TREMOR = 3;

/**
 * Takes hold of the mark under a press: a handle moves its point, a line moves the whole
 * mark, a press that does not move selects it.
 *
 * @returns null where there is no mark
 */
export function hold(
  board: MarkBoard,
  view: IToolView,
  at: Point
): IDrag | null {
  const { context } = board;
  const found =
    board.areShown && context.hasTools
      ? pick(board.marks, view, at, board.selected)
      : null;
  if (!found) {
    return null;
  }
  const { mark, handle } = found;
  const { shape } = context.scene.volume.info;
  let isMoving = false;
  board.select(mark.id);
  return {
    move: (x, y) => {
      isMoving ||= screenDistance(view, at, [x, y]) > TREMOR;
      if (isMoving) {
        const to = insideOf(shape, view.ijkAt(x, y));
        const from = view.ijkAt(...at);
        board.show(
          handle
            ? changed(mark, {
                points: afterHandle(mark, view.slice, handle, to)
              })
            : shifted(board, mark, to.map((v, n) => v - from[n]) as Triple)
        );
      }
    },
    end: () => {
      if (isMoving) {
        board.keep();
      }
    },
    cancel: () => board.show(null)
  };
}

/** The mark moved as a whole; a flat one goes from slice to slice. */
export function shifted(board: MarkBoard, mark: IMark, by: Triple): IMark {
  const { grid, info } = board.context.scene.volume;
  const step: Triple = [...by];
  if (mark.kind === 'rectangle' || mark.kind === 'ellipse') {
    const through = axisThrough(grid, mark.plane);
    step[through] = Math.round(step[through]);
  }
  return moved(mark, step, info.shape);
}

export function screenDistance(view: IToolView, a: Point, b: Point): number {
  const { slice, scale } = view;
  return Math.hypot(
    (a[0] - b[0]) * slice.sizeU * scale,
    (a[1] - b[1]) * slice.sizeV * scale
  );
}

/** A tool that lets marks under the press be moved before it does its own work. */
export class HoldTool implements ITool {
  constructor(
    private readonly _board: MarkBoard,
    private readonly _inner: ITool
  ) {}

  begin(view: IToolView, at: Point, keys: IModifiers): IDrag | null {
    return hold(this._board, view, at) ?? this._inner.begin(view, at, keys);
  }

  hover(view: IToolView, at: Point | null): void {
    this._inner.hover?.(view, at);
  }

  /** Escape lets go of the mark that is selected. */
  cancel(): void {
    this._board.select(null);
    this._inner.cancel?.();
  }

  /** Backspace removes it. */
  back(): void {
    if (this._board.selected) {
      this._board.remove(this._board.selected);
    }
  }

  dispose(): void {
    this._inner.dispose?.();
  }
}

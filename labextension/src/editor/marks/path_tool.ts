import type { IMark, Triple } from '../../server/types';

import type { IDrag, ITool, IToolView, Point } from '../tools/tool';

import { hold, screenDistance } from './hold';
import { changed, insideOf } from './mark';
import type { MarkBoard } from './mark_board';

const KINDS = {
  line: { count: 2, stem: 'Length' },
  angle: { count: 3, stem: 'Angle' }
} as const;

/** A press that moves further than this draws a side; else it sets one point. */
const DRAWN = 4;

/**
 * A length of two points or an angle of three, set one by one or drawn with the button
 * held. Points may lie on different slices and in different planes.
 */
export class PathTool implements ITool {
  constructor(
    private readonly _board: MarkBoard,
    private readonly _kind: keyof typeof KINDS
  ) {}

  get isBusy(): boolean {
    return this._mark !== null;
  }

  begin(view: IToolView, at: Point): IDrag | null {
    if (!this._mark) {
      const held = hold(this._board, view, at);
      if (held) {
        return held;
      }
      this._mark = this._board.make(this._kind, KINDS[this._kind].stem, {});
      this._points = [];
    }
    const before = this._points;
    const isFirst = before.length === 0;
    const start = this._place(view, at);
    let isDrawn = false;
    this._points = [...before, start];
    this._show();
    return {
      move: (x, y) => {
        const to = this._place(view, [x, y]);
        isDrawn ||= screenDistance(view, at, [x, y]) > DRAWN;
        // The first press draws the first side; a later one adjusts the point it set.
        this._points = isFirst && isDrawn ? [start, to] : [...before, to];
        this._show();
      },
      end: () => this._keepIfWhole(),
      cancel: () => this.cancel()
    };
  }

  hover(view: IToolView, at: Point | null): void {
    if (this._mark && at) {
      this._show(this._place(view, at));
    }
  }

  finish(): void {
    this._keepIfWhole();
  }

  cancel(): void {
    if (this._mark) {
      this._drop();
    } else {
      this._board.select(null);
    }
  }

  back(): void {
    this._points = this._points.slice(0, -1);
    if (this._points.length === 0) {
      this._drop();
    } else {
      this._show();
    }
  }

  dispose(): void {
    this._mark = null;
  }

  private _keepIfWhole(): void {
    if (this._mark && this._points.length === KINDS[this._kind].count) {
      this._show();
      this._mark = null;
      this._board.keep();
    }
  }

  private _drop(): void {
    this._mark = null;
    this._points = [];
    this._board.show(null);
  }

  private _show(next?: Triple): void {
    if (this._mark) {
      const points = next ? [...this._points, next] : this._points;
      const plane = commonPlane(this._board, points);
      this._board.show(changed(this._mark, { points, plane }));
    }
  }

  private _place(view: IToolView, at: Point): Triple {
    const { shape } = this._board.context.scene.volume.info;
    return insideOf(shape, view.ijkAt(...at));
  }

  private _mark: IMark | null = null;
  private _points: Triple[] = [];
}

/** The plane of a slice that holds all the points; null when there is none. */
export function commonPlane(
  { context }: Pick<MarkBoard, 'context'>,
  points: readonly Triple[]
): IMark['plane'] {
  const { axes } = context.scene.volume.grid;
  const planes = { axial: axes[2], sagittal: axes[0], coronal: axes[1] };
  for (const [plane, axis] of Object.entries(planes)) {
    const index = points[0]?.[axis] ?? 0.5;
    const isWhole = Number.isInteger(index);
    if (isWhole && points.every(point => point[axis] === index)) {
      return plane as IMark['plane'];
    }
  }
  return null;
}

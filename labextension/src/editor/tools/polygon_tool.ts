import { paintOutline } from './area';
import { drawOnce, type IToolContext } from './drawing';
import type { ITool, IToolView, Point } from './tool';

/** Screen pixels around the first corner that close an outline. */
const NEAR = 8;

/** Fills what straight lines between clicked corners enclose. */
export class PolygonTool implements ITool {
  constructor(private readonly _context: IToolContext) {}

  get isBusy(): boolean {
    return this._corners.length > 0;
  }

  begin(view: IToolView, at: Point): null {
    if (this._view !== view || this._index !== view.index) {
      this.cancel();
      this._view = view;
      this._index = view.index;
    }
    if (this._corners.length > 2 && isNear(view, this._corners[0], at)) {
      this.finish();
      return null;
    }
    this._corners.push(at);
    this._show(at);
    return null;
  }

  hover(view: IToolView, at: Point | null): void {
    if (this._view === view) {
      this._show(at);
    }
  }

  finish(): void {
    const corners = this._corners;
    const view = this._view;
    const index = this._index;
    this.cancel();
    if (view && corners.length > 2) {
      drawOnce(this._context, 'polygon', ink =>
        paintOutline(ink, view.slice, corners, index)
      );
    }
  }

  back(): void {
    this._corners.pop();
    if (this._corners.length === 0) {
      this.cancel();
    } else {
      this._show(null);
    }
  }

  cancel(): void {
    this._view?.showOutline(null);
    this._view = null;
    this._corners = [];
  }

  private _show(at: Point | null): void {
    const corners = this._corners;
    this._view?.showOutline({
      points: at ? [...corners, at] : corners,
      index: this._index,
      color: this._context.color,
      isClosed: corners.length > (at ? 1 : 2),
      knots: corners
    });
  }

  private _view: IToolView | null = null;
  private _index = 0;
  private _corners: Point[] = [];
}

/** The point is as good as the first one, as seen on the screen. */
export function isNear(view: IToolView, first: Point, at: Point): boolean {
  const { sizeU, sizeV } = view.slice;
  return (
    Math.hypot((first[0] - at[0]) * sizeU, (first[1] - at[1]) * sizeV) *
      view.scale <
    NEAR
  );
}

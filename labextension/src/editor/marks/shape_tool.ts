import type { IMark, Triple } from '../../server/types';

import type { IDrag, IModifiers, ITool, IToolView, Point } from '../tools/tool';

import { hold, screenDistance } from './hold';
import { changed, insideOf } from './mark';
import type { MarkBoard } from './mark_board';
import { chosenSegment } from './point_tool';

type ShapeName = 'box-2d' | 'box-3d' | 'roi';

const STEMS: Record<ShapeName, string> = {
  'box-2d': '2D box',
  'box-3d': '3D box',
  roi: 'Region'
};

/** A press that moves less than this sets one corner, the next one the other. */
const DRAWN = 4;

/**
 * Boxes for detection and regions for statistics: from one corner to the opposite one,
 * drawn with the button held or set by two presses.
 */
export class ShapeTool implements ITool {
  constructor(
    private readonly _board: MarkBoard,
    private readonly _name: ShapeName
  ) {}

  get isBusy(): boolean {
    return this._mark !== null;
  }

  /** With Alt, the region tool draws the other of ellipse and rectangle. */
  begin(view: IToolView, at: Point, keys: IModifiers): IDrag | null {
    const isSecond = this._mark !== null && this._isHere(view);
    if (!isSecond) {
      this._drop();
      const held = hold(this._board, view, at);
      if (held) {
        return held;
      }
      this._mark = this._make(view, keys.altKey);
      this._start = this._place(view, at);
      this._pressed = at;
    }
    this._show(view, at);
    return {
      move: (x, y) => this._show(view, [x, y]),
      end: () => {
        const drawn = screenDistance(view, this._pressed, this._last);
        if (isSecond || drawn > DRAWN) {
          this._mark = null;
          this._board.keep();
        }
      },
      cancel: () => this.cancel()
    };
  }

  hover(view: IToolView, at: Point | null): void {
    if (at && this._mark && this._isHere(view)) {
      this._show(view, at);
    }
  }

  cancel(): void {
    if (this._mark) {
      this._drop();
    } else {
      this._board.select(null);
    }
  }

  back(): void {
    this._drop();
  }

  dispose(): void {
    this._mark = null;
  }

  private _make(view: IToolView, isOther: boolean): IMark {
    const { regionKind } = this._board;
    const other = regionKind === 'ellipse' ? 'rectangle' : 'ellipse';
    const kind = {
      'box-2d': 'rectangle',
      'box-3d': 'box',
      roi: isOther ? other : regionKind
    }[this._name] as 'rectangle' | 'box' | 'ellipse';
    const isDetection = this._name !== 'roi';
    return this._board.make(kind, STEMS[this._name], {
      plane: kind === 'box' ? null : view.slice.plane,
      segment: isDetection ? chosenSegment(this._board) : null
    });
  }

  /** The plane and the slice on which the first corner lies. */
  private _isHere(view: IToolView): boolean {
    const { slice, index } = view;
    const isPlane = this._plane === slice.plane;
    return isPlane && Math.abs(this._start[slice.w] - index) < 0.5;
  }

  private _show(view: IToolView, at: Point): void {
    if (!this._mark) {
      return;
    }
    this._plane = view.slice.plane;
    this._last = at;
    const end = this._place(view, at);
    const points =
      this._name === 'box-3d'
        ? deepened(this._board, view, this._start, end)
        : [this._start, end];
    this._board.show(changed(this._mark, { points }));
  }

  private _drop(): void {
    if (this._mark) {
      this._mark = null;
      this._board.show(null);
    }
  }

  private _place(view: IToolView, at: Point): Triple {
    const { shape } = this._board.context.scene.volume.info;
    return insideOf(shape, view.ijkAt(...at));
  }

  private _mark: IMark | null = null;
  private _start: Triple = [0, 0, 0];
  private _pressed: Point = [0, 0];
  private _last: Point = [0, 0];
  private _plane: string | null = null;
}

/**
 * The corners of a box as deep, in mm, as it is wide and high on average: its depth is
 * seen in the other planes at once, and set there.
 */
function deepened(
  { context }: MarkBoard,
  { slice }: IToolView,
  start: Triple,
  end: Triple
): Triple[] {
  const { grid, info } = context.scene.volume;
  const width = Math.abs(end[slice.u] - start[slice.u]) * slice.sizeU;
  const height = Math.abs(end[slice.v] - start[slice.v]) * slice.sizeV;
  const half = (width + height) / 4 / grid.spacing[slice.w];
  const [low, high]: Triple[] = [[...start], [...end]];
  low[slice.w] = start[slice.w] - half;
  high[slice.w] = start[slice.w] + half;
  return [insideOf(info.shape, low), insideOf(info.shape, high)];
}

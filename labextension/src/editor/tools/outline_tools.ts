import type { Box } from '../../server/voxels';

import { paintEllipse, paintOutline } from './area';
import { drawOnce, type IToolContext } from './drawing';
import type { Ink } from './ink';
import type { IDrag, IModifiers, ITool, IToolView, Point } from './tool';

/** Outlines of one slice that a drag draws: lasso, rectangle and ellipse. */

/** Fills what a free line encloses. */
export class LassoTool implements ITool {
  constructor(private readonly _context: IToolContext) {}

  begin(view: IToolView, at: Point): IDrag {
    const { color } = this._context;
    const { index, slice } = view;
    const points: Point[] = [at];
    const show = () =>
      view.showOutline({ points, index, color, isClosed: true });
    show();
    return {
      move: (x, y) => {
        points.push([x, y]);
        show();
      },
      end: () => {
        view.showOutline(null);
        drawOnce(this._context, 'lasso', ink =>
          paintOutline(ink, slice, points, index)
        );
      },
      cancel: () => view.showOutline(null)
    };
  }
}

/** Fills the rectangle, or the ellipse in it, between two corners; Alt: as wide as high. */
export class BoxTool implements ITool {
  constructor(
    private readonly _context: IToolContext,
    private readonly _tool: 'rectangle' | 'ellipse'
  ) {}

  begin(view: IToolView, at: Point, keys: IModifiers): IDrag {
    const { color } = this._context;
    const { index, slice } = view;
    let corner = at;
    const paint = (ink: Ink): Box =>
      this._tool === 'ellipse'
        ? paintEllipse(ink, slice, at, corner, index)
        : paintOutline(ink, slice, rectangle(at, corner), index);
    return {
      move: (x, y, held = keys) => {
        corner = held.altKey ? squared(view, at, [x, y]) : [x, y];
        const points = (this._tool === 'ellipse' ? ellipse : rectangle)(
          at,
          corner
        );
        view.showOutline({ points, index, color, isClosed: true });
      },
      end: () => {
        view.showOutline(null);
        drawOnce(this._context, this._tool, paint);
      },
      cancel: () => view.showOutline(null)
    };
  }
}

function rectangle([x0, y0]: Point, [x1, y1]: Point): Point[] {
  return [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1]
  ];
}

/** Enough corners to look round. */
function ellipse([x0, y0]: Point, [x1, y1]: Point): Point[] {
  return Array.from({ length: 72 }, (_, at): Point => {
    const turn = (at * Math.PI) / 36;
    return [
      (x0 + x1) / 2 + (Math.abs(x1 - x0) / 2) * Math.cos(turn),
      (y0 + y1) / 2 + (Math.abs(y1 - y0) / 2) * Math.sin(turn)
    ];
  });
}

/** The corner moved so that both sides are as many millimetres long as the longer one. */
function squared({ slice }: IToolView, from: Point, to: Point): Point {
  const across = (to[0] - from[0]) * slice.sizeU;
  const down = (to[1] - from[1]) * slice.sizeV;
  const side = Math.max(Math.abs(across), Math.abs(down));
  return [
    from[0] + ((across < 0 ? -1 : 1) * side) / slice.sizeU,
    from[1] + ((down < 0 ? -1 : 1) * side) / slice.sizeV
  ];
}

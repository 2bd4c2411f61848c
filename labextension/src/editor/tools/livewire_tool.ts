import { Later } from '../labels/later';
import { paintOutline } from './area';
import { drawOnce, type IToolContext } from './drawing';
import { edgeCosts, type IEdgeCosts } from './edge_costs';
import { isNear } from './polygon_tool';
import { ShortestPaths } from './shortest_paths';
import type { ITool, IToolView, Point } from './tool';
import { type Corner, lineOf, snapped } from './wire';

/** Milliseconds that the line to the pointer may take before it is shown. */
const HOVER_MS = 8;
/** Screen pixels around the pointer in which a knot looks for an edge. */
const SNAP = 10;

/**
 * Fills an outline that follows edges: each click fixes the line up to there, and from the
 * last knot the line to the pointer is shown. Enter, a double click or a click on the first
 * knot closes it along edges.
 */
export class LivewireTool implements ITool {
  constructor(private readonly _context: IToolContext) {}

  get isBusy(): boolean {
    return this._knots.length > 0;
  }

  begin(view: IToolView, at: Point): null {
    if (this.isBusy && (this._view !== view || this._index !== view.index)) {
      this.cancel();
    }
    const costs = this._costsOf(view);
    const knot = this._snap(view, costs, at);
    if (this._knots.length > 2 && isNear(view, pixel(this._knots[0]), at)) {
      this.finish();
      return null;
    }
    const last = this._knots[this._knots.length - 1];
    if (last && last[0] === knot[0] && last[1] === knot[1]) {
      return null;
    }
    if (this._paths) {
      this._paths.reach(knot);
      this._pieces.push(this._paths.path(knot));
    }
    this._knots.push(knot);
    this._startFrom(knot);
    this._show();
    return null;
  }

  hover(view: IToolView, at: Point | null): void {
    if (this.isBusy && (view !== this._view || view.index !== this._index)) {
      return;
    }
    if (!at) {
      this._target = null;
      this._show();
      return;
    }
    const costs = this._costsOf(view);
    this._target = this._snap(view, costs, at);
    this._paths?.reach(this._target, performance.now() + HOVER_MS);
    this._show();
  }

  finish(): void {
    const { _view: view, _index: index, _costs: costs, _paths: paths } = this;
    const [first] = this._knots;
    if (view && costs && paths && this._knots.length > 2) {
      paths.reach(first);
      const pieces = [...this._pieces, paths.path(first)];
      this.cancel();
      const outline = pieces.flatMap(piece => lineOf(costs, piece).slice(1));
      drawOnce(this._context, 'livewire', ink =>
        paintOutline(ink, view.slice, outline, index)
      );
    } else {
      this.cancel();
    }
  }

  back(): void {
    this._knots.pop();
    this._pieces.pop();
    const last = this._knots[this._knots.length - 1];
    if (!last) {
      this.cancel();
      return;
    }
    this._startFrom(last);
    this._show();
  }

  cancel(): void {
    this._later = new Later();
    this._paths = null;
    this._knots = [];
    this._pieces = [];
    this._target = null;
    this._view?.showOutline(null);
    this._view = null;
    this._costs = null;
  }

  dispose(): void {
    this.cancel();
  }

  private _startFrom(knot: Corner): void {
    if (!this._costs) {
      return;
    }
    this._paths = new ShortestPaths(this._costs, knot);
    // All lines are found while the hand moves on, so that hovering finds them there.
    this._later = new Later();
    this._later.start(this._paths.everywhere(), () => this._show());
  }

  private _show(): void {
    const { _view: view, _costs: costs, _target: target } = this;
    if (!view || !costs) {
      return;
    }
    const knots = this._knots.map(pixel);
    const line = this._pieces.flatMap(piece => lineOf(costs, piece));
    const isKnown = target && this._paths?.reach(target, 0);
    const next =
      isKnown && this._paths
        ? lineOf(costs, this._paths.path(target)).slice(1)
        : target && [pixel(target)];
    view.showOutline({
      points: line.length > 0 ? line : knots.slice(0, 1),
      index: this._index,
      color: this._context.color,
      knots: target && knots.length === 0 ? [pixel(target)] : knots,
      next: next ?? []
    });
  }

  private _snap(view: IToolView, costs: IEdgeCosts, at: Point): Corner {
    const { sizeU, sizeV } = view.slice;
    const reach = (size: number) =>
      Math.min(8, Math.max(1, Math.round(SNAP / (size * view.scale))));
    return snapped(costs, at, reach(sizeU), reach(sizeV));
  }

  /** What steps cost on the slice on show, worked out once a slice and window. */
  private _costsOf(view: IToolView): IEdgeCosts {
    const { scene } = this._context;
    const isSame =
      this._costs && this._view === view && this._index === view.index;
    if (isSame && (this.isBusy || this._window === scene.window)) {
      return this._costs as IEdgeCosts;
    }
    if (this._view !== view) {
      this._view?.showOutline(null);
    }
    this._view = view;
    this._index = view.index;
    this._window = scene.window;
    this._costs = edgeCosts(scene, view.slice, view.index);
    return this._costs;
  }

  private _view: IToolView | null = null;
  private _index = -1;
  private _window: object | null = null;
  private _costs: IEdgeCosts | null = null;
  private _paths: ShortestPaths | null = null;
  private _later = new Later<void>();
  private _knots: Corner[] = [];
  private _pieces: Corner[][] = [];
  private _target: Corner | null = null;
}

/** Slice pixel, not whole, of a corner. */
function pixel([x, y]: Corner): Point {
  return [x - 0.5, y - 0.5];
}

import type { IEditorContext } from '../context';
import type { PlaneView } from '../view/plane_view';
import { BrushTool } from './brush_tool';
import { CrosshairTool } from './crosshair_tool';
import { FillTool } from './fill_tool';
import { BoxTool, LassoTool } from './outline_tools';
import { PolygonTool } from './polygon_tool';
import type { Tool } from './registry';
import type { IDrag, IModifiers, ITool, Point } from './tool';

const NO_KEYS: IModifiers = { altKey: false, ctrlKey: false };

/** Hands what the pointer and the keys do to the chosen tool. */
export class ToolBox {
  /** @param more - tools of other rooms, by name */
  constructor(
    context: IEditorContext,
    more: Partial<Record<Tool, ITool>> = {}
  ) {
    this._tools = {
      crosshair: new CrosshairTool(context.scene),
      brush: new BrushTool(context, 'brush'),
      eraser: new BrushTool(context, 'eraser'),
      threshold: new BrushTool(context, 'threshold'),
      polygon: new PolygonTool(context),
      lasso: new LassoTool(context),
      rectangle: new BoxTool(context, 'rectangle'),
      ellipse: new BoxTool(context, 'ellipse'),
      fill: new FillTool(context),
      ...more
    };
    this._chosen = context.settings.values.tool;
    this._stop = [
      context.settings.changed.connect(({ tool }) => this._choose(tool)),
      context.scene.crosshairChanged.connect(() => this._refresh()),
      context.scene.labels.changed.connect(() => this._refresh())
    ];
  }

  /** The tool waits for more presses, or for Enter. */
  get isBusy(): boolean {
    return this._tool?.isBusy ?? false;
  }

  /** A press on a plane, by the mouse or by the keyboard's pointer. */
  begin(view: PlaneView, at: Point, keys = NO_KEYS): IDrag | null {
    this._pointed = { view, at };
    const drag = this._tool?.begin(view, at, keys) ?? null;
    this._isDragging = drag !== null;
    return drag && this._followed(view, drag);
  }

  /** Shows what a press here would do; null when the pointer left the plane. */
  hover(view: PlaneView, at: Point | null): void {
    this._pointed = at && { view, at };
    this._tool?.hover?.(view, at);
  }

  finish(): void {
    this._tool?.finish?.();
  }

  cancel(): void {
    this._tool?.cancel?.();
  }

  back(): void {
    this._tool?.back?.();
  }

  /** More (or less) of what is previewed. False: there is nothing to adjust. */
  adjust(steps: number): boolean {
    return this._tool?.adjust?.(steps) ?? false;
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
    Object.values(this._tools).forEach(tool => tool?.dispose?.());
  }

  private get _tool(): ITool | undefined {
    return this._tools[this._chosen];
  }

  /** The drag, and the cursor that goes with it. */
  private _followed(view: PlaneView, drag: IDrag): IDrag {
    const over = () => {
      this._isDragging = false;
      this._refresh();
    };
    return {
      move: (x, y, keys) => {
        this._pointed = { view, at: [x, y] };
        drag.move(x, y, keys);
      },
      end: () => {
        drag.end();
        over();
      },
      cancel: () => {
        drag.cancel();
        over();
      }
    };
  }

  private _choose(tool: Tool): void {
    if (tool !== this._chosen) {
      this.cancel();
      this._chosen = tool;
    }
    this._refresh();
  }

  /** What is shown under the resting pointer may be another thing now. */
  private _refresh(): void {
    const { view, at } = this._pointed ?? {};
    if (view && at && !this._isDragging) {
      this._tool?.hover?.(view, at);
    }
  }

  private readonly _tools: Partial<Record<Tool, ITool>>;
  private readonly _stop: (() => void)[];
  private _chosen: Tool;
  private _pointed: { view: PlaneView; at: Point } | null = null;
  private _isDragging = false;
}

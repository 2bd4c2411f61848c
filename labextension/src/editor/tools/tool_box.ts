import type { IEditorContext } from '../context';
import { askTool } from '../effects/ask';
import { nearestVoxel } from '../view/geometry';
import type { PlaneView } from '../view/plane_view';
import type { Scene } from '../view/scene';
import { BrushTool } from './brush_tool';
import { CrosshairTool } from './crosshair_tool';
import { type AskServer, FloodTool } from './flood_tool';
import { LivewireTool } from './livewire_tool';
import { BoxTool, LassoTool } from './outline_tools';
import { PolygonTool } from './polygon_tool';
import { RangePreview } from './range_preview';
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
    const ask = askServer(context);
    this._tools = {
      crosshair: new CrosshairTool(context.scene),
      brush: new BrushTool(context, 'brush'),
      eraser: new BrushTool(context, 'eraser'),
      threshold: new BrushTool(context, 'threshold'),
      polygon: new PolygonTool(context),
      lasso: new LassoTool(context),
      rectangle: new BoxTool(context, 'rectangle'),
      ellipse: new BoxTool(context, 'ellipse'),
      livewire: new LivewireTool(context),
      fill: new FloodTool(context, 'fill', ask),
      grow: new FloodTool(context, 'grow', ask),
      ...more
    };
    this._range = new RangePreview(context);
    this._chosen = context.settings.values.tool;
    this._scene = context.scene;
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
    const { picker, volume } = this._scene;
    if (picker) {
      picker(nearestVoxel(volume.info.shape, view.ijkAt(...at)));
      return null;
    }
    const drag = this._tool?.begin(view, at, keys) ?? null;
    this._isDragging = drag !== null;
    return drag && this._followed(view, drag);
  }

  /** Shows what a press here would do; null when the pointer left the plane. */
  hover(view: PlaneView, at: Point | null): void {
    this._pointed = at && { view, at };
    this._tool?.hover?.(view, this._scene.picker ? null : at);
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
    this._range.dispose();
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
  private readonly _range: RangePreview;
  private readonly _stop: (() => void)[];
  private readonly _scene: Scene;
  private _chosen: Tool;
  private _pointed: { view: PlaneView; at: Point } | null = null;
  private _isDragging = false;
}

/** Has the server follow what is too large for the page. */
function askServer(context: IEditorContext): AskServer {
  return async (tool, params, signal) => {
    const { box, labels, segments, message } = await askTool(
      context,
      tool,
      params,
      signal,
      (_progress, message) => context.notify(message)
    );
    return box && { tool, box, labels, segments, message };
  };
}

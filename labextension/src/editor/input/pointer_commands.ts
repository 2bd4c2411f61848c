import type { ReadOut } from '../bars/read_out';
import { type IEditorContext, NOT_YET } from '../context';
import { isDrawTool } from '../tools/registry';
import type { IDrag, IModifiers, Point } from '../tools/tool';
import type { ToolBox } from '../tools/tool_box';
import type { PlaneView } from '../view/plane_view';
import type { IGestureTarget } from './gestures';
import type { IPressed } from './key_pointer';

/** What the pointer does to an editor, be it the mouse's or the keyboard's. */
export class PointerCommands implements IGestureTarget, IPressed {
  constructor(
    private readonly _context: IEditorContext,
    private readonly _parts: {
      tools: ToolBox;
      readOut: ReadOut;
      /** Labels need a segment: makes one where there is none. */
      addSegment: () => void;
      /** An effect wants to know a voxel: true when it took the press. */
      choosesSeed: (view: PlaneView, at: Point) => boolean;
      toggleLayout: (view: PlaneView) => void;
      /** The mouse moved over a plane (true), or left it. */
      mouse: (isInPlane: boolean) => void;
    }
  ) {}

  press(view: PlaneView, event: PointerEvent): IDrag | null {
    const at = view.pixelAt(event.clientX, event.clientY);
    return this.begin(view, at, event);
  }

  begin(view: PlaneView, at: Point, keys?: IModifiers): IDrag | null {
    const { scene, settings, trans, isReady, notify } = this._context;
    const { tools, addSegment, choosesSeed } = this._parts;
    if (!isReady() && settings.values.tool !== 'crosshair') {
      notify(trans(NOT_YET));
      return null;
    }
    if (choosesSeed(view, at)) {
      return null;
    }
    if (
      isDrawTool(settings.values.tool) &&
      scene.labels.segments.length === 0
    ) {
      addSegment();
    }
    return tools.begin(view, at, keys);
  }

  /** The mouse is over a plane; null when it left. */
  pass(view: PlaneView, event: PointerEvent | null): void {
    this._parts.mouse(event !== null);
    this.hover(view, event && view.pixelAt(event.clientX, event.clientY));
  }

  hover(view: PlaneView, at: Point | null): void {
    const { planes, isReady } = this._context;
    this._parts.readOut.point(view, at);
    this._parts.tools.hover(view, isReady() ? at : null);
    planes.wake();
  }

  moveWindow(_view: PlaneView, dx: number, dy: number): void {
    const { scene } = this._context;
    const { center, width } = scene.window;
    const [low, high] = scene.volume.info.range;
    const step = Math.max(width, (high - low) / 500) / 300;
    scene.setWindow(center + dy * step, width + dx * step);
  }

  step(view: PlaneView, slices: number): void {
    const { w, stepW } = view.slice;
    this._context.scene.goTo(w, view.index + slices * stepW);
  }

  adjust(steps: number): void {
    this._parts.tools.adjust(steps);
  }

  doubleClick(view: PlaneView): void {
    const { tools, toggleLayout } = this._parts;
    if (tools.isBusy) {
      tools.finish();
    } else if (this._context.settings.values.tool === 'crosshair') {
      toggleLayout(view);
    }
  }
}

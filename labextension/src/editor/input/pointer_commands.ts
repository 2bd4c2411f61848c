import type { IDrag } from '../tools/tool';
import type { IGestureTarget } from './gestures';
import type { PlaneView } from '../view/plane_view';
import type { Planes } from '../view/planes';
import type { ReadOut } from '../bars/read_out';
import type { Scene } from '../view/scene';
import type { SegmentEdits } from '../segments/segment_edits';
import type { Settings } from '../settings';
import type { ToolBox } from '../tools/tool_box';

/** What the pointer does to an editor. */
export class PointerCommands implements IGestureTarget {
  constructor(
    private readonly _parts: {
      scene: Scene;
      planes: Planes;
      settings: Settings;
      tools: ToolBox;
      segments: SegmentEdits;
      readOut: ReadOut;
      /** All voxels are here. */
      isReady: () => boolean;
      showLayout: (layout: string) => void;
    }
  ) {}

  begin(view: PlaneView, event: PointerEvent): IDrag | null {
    const { scene, settings, segments, tools, isReady } = this._parts;
    if (!isReady()) {
      return null;
    }
    const draws = settings.values.tool !== 'crosshair';
    if (draws && scene.labels.segments.length === 0) {
      segments.add();
    }
    return tools.begin(view, view.pixelAt(event.clientX, event.clientY), event);
  }

  hover(view: PlaneView, event: PointerEvent | null): void {
    const { planes, readOut, tools, isReady } = this._parts;
    const at =
      event && isReady() ? view.pixelAt(event.clientX, event.clientY) : null;
    readOut.point(view, at);
    tools.hover(view, at);
    planes.wake();
  }

  moveWindow(_view: PlaneView, dx: number, dy: number): void {
    const { scene } = this._parts;
    const { center, width } = scene.window;
    const [low, high] = scene.volume.info.range;
    const step = Math.max(width, (high - low) / 500) / 300;
    scene.setWindow(center + dy * step, width + dx * step);
  }

  step(view: PlaneView, slices: number): void {
    const { w, stepW } = view.slice;
    this._parts.scene.goTo(w, view.index + slices * stepW);
  }

  doubleClick(view: PlaneView): void {
    const { planes, settings, tools, showLayout } = this._parts;
    if (tools.isBusy) {
      tools.finish();
    } else if (
      settings.values.tool === 'crosshair' &&
      planes.views.length > 1
    ) {
      showLayout(planes.layout === 'grid' ? view.plane : 'grid');
    }
  }
}

import type { IKeyTarget } from './keyboard';
import type { LabelSession } from '../labels/label_session';
import type { Planes } from '../view/planes';
import type { Scene } from '../view/scene';
import type { Settings } from '../settings';
import type { ToolBox } from '../tools/tool_box';

/** What the keys do to an editor, in the plane that has the focus. */
export class KeyCommands implements IKeyTarget {
  constructor(
    readonly hasTools: boolean,
    private readonly _scene: Scene,
    private readonly _planes: Planes,
    private readonly _settings: Settings,
    private readonly _tools: ToolBox,
    private readonly _session: LabelSession
  ) {}

  step(slices: number): void {
    const { slice, index } = this._planes.focused;
    this._scene.goTo(slice.w, index + slices * slice.stepW);
  }

  goTo(end: 'first' | 'last'): void {
    const { slice } = this._planes.focused;
    this._scene.goTo(slice.w, end === 'first' ? 0 : slice.depth - 1);
  }

  zoom(factor: number): void {
    this._planes.focused.zoomBy(factor);
  }

  fit(): void {
    this._planes.fit();
  }

  undo(): void {
    this._session.undo();
  }

  redo(): void {
    this._session.redo();
  }

  chooseSegment(position: number): void {
    const segment = this._scene.labels.segments[position];
    if (segment) {
      this._settings.set({ segment: segment.id });
    }
  }

  finishPolygon(): void {
    this._tools.finish();
  }

  dropPolygon(): void {
    this._tools.cancel();
  }

  removeCorner(): void {
    this._tools.back();
  }
}

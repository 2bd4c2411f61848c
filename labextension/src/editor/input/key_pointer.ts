import type { IEditorContext } from '../context';
import { nearestVoxel, pixelOf } from '../view/geometry';
import type { PlaneView } from '../view/plane_view';
import type { Tool } from '../tools/registry';
import type { IDrag, Point } from '../tools/tool';
import type { IPointerCommands } from './actions';

/** What the keyboard's pointer presses with. */
export interface IPressed {
  begin(view: PlaneView, at: Point): IDrag | null;
  hover(view: PlaneView, at: Point | null): void;
}

/** Tools that need a place alone: one press is all. */
const AT_ONCE: readonly Tool[] = ['crosshair', 'point'];

/**
 * A pointer that the keys move over the focused plane, pixel by pixel.
 *
 * It drives the same tools as the mouse: a first Space presses and a second lets go, the
 * steps between them are the drag. The mouse takes over as soon as it moves.
 */
export class KeyPointer implements IPointerCommands {
  constructor(
    private readonly _context: IEditorContext,
    private readonly _tools: IPressed
  ) {
    const { scene, planes } = _context;
    this._stop = scene.crosshairChanged.connect(() => this._follow());
    for (const view of planes.views) {
      view.node.addEventListener('focusout', () => {
        if (this._view === view && !this._drag) {
          this.hide();
        }
      });
    }
  }

  /** It is shown, so Space presses there. */
  get isShown(): boolean {
    return this._view !== null;
  }

  move(dx: number, dy: number): void {
    const view = this._enter();
    if (!view) {
      return;
    }
    const { width, height } = view.slice;
    const [x, y] = this._at;
    this._at = [
      Math.min(width - 1, Math.max(0, x + dx)),
      Math.min(height - 1, Math.max(0, y + dy))
    ];
    this._drag?.move(...this._at);
    this._show();
    this._say();
  }

  tap(): void {
    const view = this._enter();
    if (!view) {
      return;
    }
    if (this._drag) {
      this.release(true);
      return;
    }
    this._drag = this._tools.begin(view, this._at);
    if (AT_ONCE.includes(this._context.settings.values.tool)) {
      this.release(true);
    }
    this._show();
    if (this._drag) {
      const { trans, announce } = this._context;
      announce(trans('Pressed; the next press lets go.'));
    }
  }

  release(isKept: boolean): boolean {
    const drag = this._drag;
    this._drag = null;
    if (isKept) {
      drag?.end();
    } else {
      drag?.cancel();
    }
    this._show();
    return drag !== null;
  }

  /** The mouse points now. */
  hide(): void {
    if (this._view && !this._drag) {
      this._view.showPointer(null);
      this._tools.hover(this._view, null);
      this._view = null;
    }
  }

  dispose(): void {
    this._stop();
    this._drag?.cancel();
    this._drag = null;
  }

  /** The plane that has the focus; on entering it, the pointer is at the crosshair. */
  private _enter(): PlaneView | null {
    const { planes, scene, isReady } = this._context;
    const view = isReady() ? planes.focused : null;
    if (view && view !== this._view) {
      this.release(true);
      this.hide();
      this._view = view;
      const [x, y] = pixelOf(view.slice, scene.crosshair);
      this._at = [Math.round(x), Math.round(y)];
    }
    return view;
  }

  /** Another slice: the pointer stays over the same pixel. */
  private _follow(): void {
    if (this._view && !this._drag) {
      this._show();
    }
  }

  private _show(): void {
    const view = this._view;
    if (view) {
      view.reveal(this._at);
      view.showPointer(this._at, this._drag !== null);
      this._tools.hover(view, this._at);
      this._context.planes.wake();
    }
  }

  private _say(): void {
    const { scene, trans, announce } = this._context;
    if (!this._view) {
      return;
    }
    const { volume, labels } = scene;
    const ijk = nearestVoxel(volume.info.shape, this._view.ijkAt(...this._at));
    const label = labels.labelAt(ijk);
    const name = labels.segment(label)?.name ?? trans('no segment');
    const value = +(volume.valuesAt(ijk)[0] ?? 0).toPrecision(4);
    announce(trans('%1 %2, %3', value, volume.info.unit, name));
  }

  private readonly _stop: () => void;
  private _view: PlaneView | null = null;
  private _at: Point = [0, 0];
  private _drag: IDrag | null = null;
}

import type { IDrag } from '../tools/tool';
import type { PlaneView } from '../view/plane_view';

/** What the pointer asks for, in slice pixels or screen pixels. */
export interface IGestureTarget {
  /** The first button went down. Returns what the following moves are for. */
  press(view: PlaneView, event: PointerEvent): IDrag | null;
  /** It moved over the plane; null when it left. */
  pass(view: PlaneView, event: PointerEvent | null): void;
  moveWindow(view: PlaneView, dx: number, dy: number): void;
  step(view: PlaneView, slices: number): void;
  /** More or less of what is previewed. */
  adjust(steps: number): void;
  doubleClick(view: PlaneView, event: MouseEvent): void;
}

/**
 * Reads the pointer over a plane: left button for the tool, right button for the window,
 * middle button or space or shift for panning, wheel for slices, control and wheel for
 * zooming, alt and wheel for more or less of a preview.
 */
export class Gestures {
  constructor(
    private readonly _view: PlaneView,
    private readonly _target: IGestureTarget,
    private readonly _isSpaceDown: () => boolean
  ) {
    const stage = _view.stage;
    const on = <K extends keyof HTMLElementEventMap>(
      type: K,
      listener: (event: HTMLElementEventMap[K]) => void
    ) => {
      stage.addEventListener(type, listener, {
        signal: this._abort.signal,
        passive: false
      });
    };
    on('pointerdown', event => this._down(event));
    on('pointermove', event => this._move(event));
    on('pointerup', event => this._up(event));
    on('pointercancel', () => this._cancel());
    on('pointerleave', () => _target.pass(_view, null));
    on('wheel', event => this._wheel(event));
    on('contextmenu', event => event.preventDefault());
    on('dblclick', event => _target.doubleClick(_view, event));
  }

  dispose(): void {
    this._abort.abort();
  }

  private _down(event: PointerEvent): void {
    event.preventDefault();
    this._view.node.focus({ preventScroll: true });
    this._view.measure();
    if (this._drag || this._mode) {
      return;
    }
    this._last = [event.clientX, event.clientY];
    const pans = event.button === 1 || event.shiftKey || this._isSpaceDown();
    if (pans) {
      this._mode = 'pan';
    } else if (event.button === 2) {
      this._mode = 'window';
    } else if (event.button === 0) {
      this._drag = this._target.press(this._view, event);
    }
    if (this._mode || this._drag) {
      capture(this._view.stage, event.pointerId);
    }
  }

  private _move(event: PointerEvent): void {
    this._view.measure();
    this._target.pass(this._view, event);
    const [x, y] = this._last;
    const dx = event.clientX - x;
    const dy = event.clientY - y;
    if (this._mode === 'pan') {
      this._view.panBy(dx, dy);
    } else if (this._mode === 'window') {
      this._target.moveWindow(this._view, dx, dy);
    } else if (this._drag) {
      const samples = event.getCoalescedEvents?.() ?? [];
      for (const sample of samples.length > 0 ? samples : [event]) {
        const at = this._view.pixelAt(sample.clientX, sample.clientY);
        this._drag.move(...at, event);
      }
    }
    this._last = [event.clientX, event.clientY];
  }

  private _up(event: PointerEvent): void {
    if (this._drag && event.button === 0) {
      this._drag.end();
      this._drag = null;
    }
    this._mode = null;
  }

  private _cancel(): void {
    this._drag?.cancel();
    this._drag = null;
    this._mode = null;
  }

  private _wheel(event: WheelEvent): void {
    event.preventDefault();
    if (event.ctrlKey || event.metaKey) {
      const factor = Math.exp(
        -event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.002)
      );
      this._view.zoomBy(factor, event.clientX, event.clientY);
      return;
    }
    // A notch is 100 to 120 pixels on a wheel; a touchpad sends many small pieces.
    this._scrolled += event.deltaMode === 1 ? event.deltaY * 34 : event.deltaY;
    const slices = Math.trunc(this._scrolled / 60) || 0;
    if (slices !== 0) {
      this._scrolled = 0;
      const steps =
        Math.sign(slices) * Math.max(1, Math.floor(Math.abs(slices) / 2));
      if (event.altKey) {
        this._target.adjust(-steps);
      } else {
        this._target.step(this._view, -steps);
      }
    }
  }

  private readonly _abort = new AbortController();
  private _drag: IDrag | null = null;
  private _mode: 'pan' | 'window' | null = null;
  private _last: [number, number] = [0, 0];
  private _scrolled = 0;
}

function capture(node: HTMLElement, pointerId: number): void {
  try {
    node.setPointerCapture(pointerId);
  } catch {
    // A pointer that a script made up cannot be captured, and need not be.
  }
}

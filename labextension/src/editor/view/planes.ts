import type { Box } from '../../server/voxels';

import { element } from '../dom';
import type { Translate } from '../translate';
import type { Plane } from './geometry';
import { PlaneView } from './plane_view';
import type { Scene } from './scene';

/** The planes of an editor side by side, or one alone; draws them once a frame. */
export class Planes {
  /** @param onDraw - called in each frame, after the planes were drawn */
  constructor(
    planes: readonly Plane[],
    scene: Scene,
    radiological: boolean,
    trans: Translate,
    private readonly _onDraw: () => void
  ) {
    this.views = planes.map(
      plane =>
        new PlaneView(plane, scene, radiological, trans, () => this.wake())
    );
    for (const view of this.views) {
      view.slider.addEventListener('input', () =>
        scene.goTo(view.slice.w, view.slider.valueAsNumber)
      );
      view.node.addEventListener('focusin', () => {
        this._focused = view;
      });
      this.node.append(view.node);
      this._observer.observe(view.stage);
    }
    this.node.dataset.planes = String(planes.length);
    if (planes.length === 3) {
      this.slot3d = element('div', { className: 'medlab-Editor-slot3d' });
      this.node.append(this.slot3d);
    }
    this._stop = [
      scene.windowChanged.connect(() => this.invalidate()),
      scene.crosshairChanged.connect(() =>
        this.views.forEach(view => view.invalidatePlace())
      ),
      scene.inkChanged.connect(() => this.invalidateLabels(null)),
      scene.underlaysChanged.connect(() => this.wake()),
      scene.proposalChanged.connect(() =>
        this.views.forEach(view => view.invalidateProposal())
      ),
      scene.labels.changed.connect(({ box }) => {
        if (box) {
          this.invalidateLabels(box);
        }
      })
    ];
  }

  readonly node = element('div', { className: 'medlab-Editor-planes' });
  readonly views: readonly PlaneView[];
  /** Fourth cell of the grid when three planes are shown. */
  readonly slot3d: HTMLElement | null = null;

  get layout(): string {
    return this._layout;
  }

  /** The plane that has the keys. */
  get focused(): PlaneView {
    const shown = this.views.filter(view => !view.node.hidden);
    return shown.find(view => view === this._focused) ?? shown[0];
  }

  /** @param layout - `grid` or the plane to show alone */
  show(layout: string): void {
    this._layout = layout;
    this.node.dataset.layout = layout;
    for (const view of this.views) {
      view.node.hidden = layout !== 'grid' && view.plane !== layout;
    }
    if (this.slot3d) {
      this.slot3d.hidden = layout !== 'grid';
    }
    this.views.forEach(view => {
      view.resize();
      view.invalidate();
    });
  }

  /** Shows the patient's left on the image's right (radiological), or on its left. */
  turn(radiological: boolean): void {
    this.views.forEach(view => view.turn(radiological));
  }

  setCrosshairShown(isShown: boolean): void {
    this.views.forEach(view => view.setCrosshairShown(isShown));
  }

  /** All is to be drawn again. */
  invalidate(): void {
    this.views.forEach(view => view.invalidate());
  }

  /**
   * Voxels of these planes along k have arrived.
   *
   * @param across - slices across k, which every plane along k is part of, are drawn, too
   */
  invalidateSlab(k0: number, k1: number, across: boolean): void {
    for (const view of this.views) {
      const isAlong = view.slice.w === 2;
      if (isAlong ? view.index >= k0 && view.index < k1 : across) {
        view.invalidate();
      }
    }
  }

  /** @param box - voxels whose labels changed; null for all */
  invalidateLabels(box: Box | null): void {
    this.views.forEach(view => view.invalidateLabels(box));
  }

  fit(): void {
    this.views.forEach(view => view.fit());
  }

  /** Asks for a frame. */
  wake(): void {
    this._frame ||= requestAnimationFrame(() => this._draw());
  }

  /** Draws what is dirty now instead of in the next frame. */
  flush(): void {
    cancelAnimationFrame(this._frame);
    this._draw();
  }

  dispose(): void {
    cancelAnimationFrame(this._frame);
    this._observer.disconnect();
    this._stop.forEach(stop => stop());
  }

  private _draw(): void {
    this._frame = 0;
    this.views.forEach(view => view.draw());
    this._onDraw();
  }

  private readonly _observer = new ResizeObserver(() =>
    this.views.forEach(view => view.resize())
  );
  private readonly _stop: (() => void)[];
  private _focused: PlaneView | null = null;
  private _layout = 'grid';
  private _frame = 0;
}

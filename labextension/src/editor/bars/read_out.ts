import { isInside, nearestVoxel } from '../view/geometry';
import type { PlaneView } from '../view/plane_view';
import type { Scene } from '../view/scene';
import type { StatusBar } from './status_bar';

/** Shows what lies under the pointer, or else under the crosshair. */
export class ReadOut {
  constructor(
    private readonly _scene: Scene,
    private readonly _status: StatusBar
  ) {}

  /** It no longer says what is so. */
  isDirty = true;

  /** @param at - slice pixel under the pointer; null when it left the plane */
  point(view: PlaneView, at: [number, number] | null): void {
    this._pointed = at && { view, at };
    this.isDirty = true;
  }

  update(): void {
    if (!this.isDirty) {
      return;
    }
    this.isDirty = false;
    const { view, at } = this._pointed ?? {};
    const { volume, labels, crosshair } = this._scene;
    const { shape } = volume.info;
    const ijk = view && at ? view.ijkAt(...at) : crosshair;
    const shown = isInside(shape, ijk) ? ijk : crosshair;
    this._status.showVoxel(volume, labels, nearestVoxel(shape, shown));
  }

  private _pointed: { view: PlaneView; at: [number, number] } | null = null;
}

import { nearestVoxel } from '../view/geometry';
import type { Scene } from '../view/scene';
import type { IDrag, ITool, IToolView, Point } from './tool';

/** Moves the crosshair, and with it the slices of the other planes. */
export class CrosshairTool implements ITool {
  constructor(private readonly _scene: Scene) {}

  begin(view: IToolView, at: Point): IDrag {
    const move = (x: number, y: number) => {
      const { shape } = this._scene.volume.info;
      this._scene.moveCrosshair(nearestVoxel(shape, view.ijkAt(x, y)));
    };
    move(...at);
    return { move, end: () => undefined, cancel: () => undefined };
  }
}

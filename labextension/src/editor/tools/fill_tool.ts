import { nearestVoxel } from '../view/geometry';
import { paintConnected } from './area';
import { drawOnce, type IToolContext } from './drawing';
import type { ITool, IToolView, Point } from './tool';

/** Fills what is connected to the pressed pixel. */
export class FillTool implements ITool {
  constructor(private readonly _context: IToolContext) {}

  begin(view: IToolView, at: Point): null {
    const { scene, settings } = this._context;
    const { volume, labels } = scene;
    const { tolerance } = settings.values;
    const seed = nearestVoxel(labels.shape, view.ijkAt(...at));
    const isGrey = volume.info.channels === 1;
    const voxels = tolerance !== null && isGrey ? volume.data : null;
    drawOnce(this._context, 'fill', ink =>
      paintConnected(ink, view.slice, seed, voxels, tolerance ?? 0)
    );
    return null;
  }
}

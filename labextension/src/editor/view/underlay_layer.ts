import { element } from '../dom';

import type { ISliceGeometry } from './geometry';
import { PixelLayer } from './pixel_layer';
import { drawLabels, labelInk } from './raster';
import type { Scene } from './scene';

/** Areas of layers that are not drawn on are faint, their outlines half as strong. */
const AREA = 0.16;
const RIM = 0.55;

/** The label layers below the one that is drawn on, on one plane. */
export class UnderlayLayer {
  constructor(private readonly _slice: ISliceGeometry) {
    this.node.hidden = true;
  }

  readonly node = element('div');

  /** The slice was turned around: draw it again. */
  invalidate(): void {
    this._drawn = '';
  }

  draw(scene: Scene, index: number): void {
    const key = `${index}/${scene.underlayTurn}`;
    if (key === this._drawn) {
      return;
    }
    this._drawn = key;
    this.node.hidden = scene.underlays.length === 0;
    if (this.node.hidden) {
      return;
    }
    const { width, height } = this._slice;
    this._pixels ??= this._make(width, height);
    const { pixels } = this._pixels;
    pixels.fill(0);
    const one = new Uint32Array(pixels.length);
    const all = { x0: 0, x1: width, y0: 0, y1: height };
    for (const map of scene.underlays) {
      const ink = labelInk(map, AREA, true, RIM);
      drawLabels(one, map, this._slice, index, ink, all);
      for (let at = 0; at < one.length; at++) {
        pixels[at] = one[at] || pixels[at];
      }
    }
    this._pixels.put();
  }

  /** @param matrix - from slice pixels to the stage, as CSS */
  place(matrix: string): void {
    this._matrix = matrix;
    if (this._pixels) {
      this._pixels.canvas.style.transform = matrix;
    }
  }

  private _make(width: number, height: number): PixelLayer {
    const layer = new PixelLayer('medlab-Plane-labels', width, height);
    layer.canvas.style.transform = this._matrix;
    this.node.append(layer.canvas);
    return layer;
  }

  private _pixels: PixelLayer | null = null;
  private _drawn = '';
  private _matrix = '';
}

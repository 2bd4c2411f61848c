import { element } from '../dom';
import type { IRect } from './raster';

/** A canvas and its pixels in memory. */
export class PixelLayer {
  constructor(className: string, width: number, height: number) {
    this.canvas = element('canvas', { className });
    this.canvas.width = width;
    this.canvas.height = height;
    this._data = new ImageData(width, height);
    this.pixels = new Uint32Array(this._data.data.buffer);
  }

  readonly canvas: HTMLCanvasElement;
  readonly pixels: Uint32Array;

  put(rect?: IRect): void {
    this._context ??= this.canvas.getContext('2d');
    if (rect) {
      const { x0, x1, y0, y1 } = rect;
      this._context?.putImageData(this._data, 0, 0, x0, y0, x1 - x0, y1 - y0);
    } else {
      this._context?.putImageData(this._data, 0, 0);
    }
  }

  private readonly _data: ImageData;
  private _context: CanvasRenderingContext2D | null = null;
}

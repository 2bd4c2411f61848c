import { element } from '../dom';
import type { ISliceGeometry } from './geometry';
import { PixelLayer } from './pixel_layer';
import { walk } from './raster';
import type { Volume } from './volume';

/** Intensities that are shown in a colour, both ends included. */
export interface IShownRange {
  low: number;
  high: number;
  /** `#rrggbb` */
  color: string;
}

/** The intensities of a range on one slice, tinted; worked out when the slice is drawn. */
export class RangeLayer {
  constructor(private readonly _slice: ISliceGeometry) {
    this.node.hidden = true;
  }

  readonly node = element('div', { className: 'medlab-Plane-range' });

  show(range: IShownRange | null): void {
    const old = this._range;
    const isSame =
      range?.low === old?.low &&
      range?.high === old?.high &&
      range?.color === old?.color;
    if (!isSame) {
      this._range = range;
      this._isStale = true;
    }
  }

  /** Other voxels are shown now. */
  invalidate(): void {
    this._isStale = true;
  }

  /** @param matrix - where the slice lies, as a CSS transform */
  draw(volume: Volume, index: number, matrix: string): void {
    const range = this._range;
    this.node.hidden = !range;
    if (!range) {
      return;
    }
    if (!this._layer) {
      const { width, height } = this._slice;
      this._layer = new PixelLayer('medlab-Plane-rangeImage', width, height);
      this.node.append(this._layer.canvas);
    }
    this._layer.canvas.style.transform = matrix;
    if (this._isStale) {
      this._isStale = false;
      tint(this._layer.pixels, volume, this._slice, index, range);
      this._layer.put();
    }
  }

  private _layer: PixelLayer | null = null;
  private _range: IShownRange | null = null;
  private _isStale = true;
}

/** Colours the pixels within the range, `0xAABBGGRR`; the others are clear. */
function tint(
  out: Uint32Array,
  volume: Volume,
  slice: ISliceGeometry,
  index: number,
  { low, high, color }: IShownRange
): void {
  const { start, stepX, stepY } = walk(slice, index, volume.info.shape);
  const rgb = parseInt(color.slice(1), 16);
  const bgr = ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16);
  const pixel = (0xff000000 | bgr) >>> 0;
  const { data } = volume;
  const { width, height } = slice;
  for (let y = 0, p = 0; y < height; y++) {
    let at = start + y * stepY;
    for (let x = 0; x < width; x++, p++, at += stepX) {
      const value = data[at];
      out[p] = value >= low && value <= high ? pixel : 0;
    }
  }
}

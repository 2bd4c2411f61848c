import type { ISliceGeometry } from './geometry';

/** Where the pixels of a slice lie in the room a view has; fitted, then zoomed and moved. */
export class Viewport {
  constructor(private readonly _slice: ISliceGeometry) {}

  /** Screen pixels: width and height of the room. */
  get size(): [number, number] {
    return this._size;
  }

  /** Screen pixels a millimetre. */
  get scale(): number {
    return this._fit * this._zoom;
  }

  /** Screen pixels a slice pixel, across and down. */
  get pixelSize(): [number, number] {
    return [this.scale * this._slice.sizeU, this.scale * this._slice.sizeV];
  }

  /** Upper left corner of the slice, in screen pixels from that of the room. */
  get origin(): [number, number] {
    const [sx, sy] = this.pixelSize;
    return [
      this._size[0] / 2 + this._pan[0] - (sx * this._slice.width) / 2,
      this._size[1] / 2 + this._pan[1] - (sy * this._slice.height) / 2
    ];
  }

  /** Fits the slice into the room, with a little air around it. */
  resize(width: number, height: number): void {
    this._size = [width, height];
    this._fit = Math.min(
      (width - 8) / (this._slice.width * this._slice.sizeU),
      (height - 8) / (this._slice.height * this._slice.sizeV)
    );
  }

  /** Zooms so that what lies at (x, y), in screen pixels from the middle, stays there. */
  zoomBy(factor: number, x: number, y: number): void {
    const zoom = Math.min(40, Math.max(0.2, this._zoom * factor));
    const grown = zoom / this._zoom;
    this._pan = [
      x - (x - this._pan[0]) * grown,
      y - (y - this._pan[1]) * grown
    ];
    this._zoom = zoom;
  }

  panBy(dx: number, dy: number): void {
    this._pan = [this._pan[0] + dx, this._pan[1] + dy];
  }

  fit(): void {
    this._zoom = 1;
    this._pan = [0, 0];
  }

  /** Moves so that a slice pixel is in the room; false when it was. */
  reveal(at: readonly number[]): boolean {
    const margin = 12;
    const by = this.toScreen(at).map((place, axis) => {
      const most = this._size[axis] - margin;
      return Math.max(margin - place, Math.min(0, most - place));
    });
    this.panBy(by[0], by[1]);
    return by[0] !== 0 || by[1] !== 0;
  }

  /** Place in the room of a slice pixel; pixel centres are integers. */
  toScreen([x, y]: readonly number[]): [number, number] {
    const [sx, sy] = this.pixelSize;
    const [left, top] = this.origin;
    return [left + (x + 0.5) * sx, top + (y + 0.5) * sy];
  }

  /** Slice pixel, not rounded, at a place in the room. */
  toPixel(x: number, y: number): [number, number] {
    const [sx, sy] = this.pixelSize;
    const [left, top] = this.origin;
    return [(x - left) / sx - 0.5, (y - top) / sy - 0.5];
  }

  private _size: [number, number] = [1, 1];
  private _fit = 1;
  private _zoom = 1;
  private _pan: [number, number] = [0, 0];
}

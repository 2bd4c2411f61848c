import type { Box } from '../../server/voxels';
import type { Triple } from '../../server/types';

import { element, svg } from '../dom';
import type { Translate } from '../translate';
import { Emitter } from '../emitter';
import {
  ijkAt,
  type ISliceGeometry,
  type Plane,
  pixelOf,
  sliceGeometry
} from './geometry';
import { type ICursor, type IOutline, Overlay } from './overlay';
import { PixelLayer } from './pixel_layer';
import { PointerMark } from './pointer_mark';
import { ProposalLayer } from './proposal_layer';
import { type IShownRange, RangeLayer } from './range_layer';
import { drawLabels, drawSlice, type IRect, rectOf, unionRect } from './raster';
import type { Scene } from './scene';
import { UnderlayLayer } from './underlay_layer';
import { unitsOf } from './units';
import { Viewport } from './viewport';
import type { Volume } from './volume';
import { sliceInWords, TITLES } from './words';

/**
 * One plane on the screen.
 *
 * The image and the labels are two canvases in the slice's own pixels, which the browser
 * scales: zooming and panning redraw nothing, a brush stroke only the box it changed.
 */
export class PlaneView {
  constructor(
    readonly plane: Plane,
    private readonly _scene: Scene,
    radiological: boolean,
    trans: Translate,
    private readonly _wake: () => void
  ) {
    this.slice = sliceGeometry(_scene.volume.grid, plane, radiological);
    this._viewport = new Viewport(this.slice);
    const { width, height, depth } = this.slice;
    this._image = new PixelLayer('medlab-Plane-image', width, height);
    this._labels = new PixelLayer('medlab-Plane-labels', width, height);
    this._range = new RangeLayer(this.slice);
    this._underlay = new UnderlayLayer(this.slice);
    this._proposal = new ProposalLayer(this.slice);
    this.stage = element('div', { className: 'medlab-Plane-stage' }, [
      this._image.canvas,
      this._range.node,
      this._underlay.node,
      this._labels.canvas,
      this._proposal.node,
      this._overlay
    ]);
    this.slider = element('input', {
      className: 'medlab-Plane-slider',
      attributes: {
        ...{ type: 'range', min: '0', max: String(depth - 1), tabindex: '-1' },
        'aria-label': trans('%1: slice', trans(TITLES[plane]))
      }
    });
    this.slider.hidden = depth < 2;
    this._letterNodes = this._letters();
    this._waiting.textContent = trans('Being read…');
    this._waiting.hidden = true;
    this.node = element(
      'div',
      {
        className: `medlab-Plane medlab-mod-${plane}`,
        attributes: {
          tabindex: '0',
          role: 'application',
          'aria-roledescription': trans('image plane'),
          'data-plane': plane
        }
      },
      [
        this.stage,
        this._title,
        this._intensity,
        this._waiting,
        ...this._letterNodes,
        this.slider
      ]
    );
    this._trans = trans;
    this._hints = new Overlay(this._viewport);
    this._pointer = new PointerMark(this._viewport);
    this._overlay.append(
      ...[this._lineX, this._lineY, ...this._hints.nodes],
      this._pointer.node
    );
  }

  readonly node: HTMLElement;
  readonly stage: HTMLElement;
  readonly slider: HTMLInputElement;
  readonly slice: ISliceGeometry;
  /** Another slice, another place or another size: what lies on top moves along. */
  readonly placed = new Emitter<void>();

  /** The slice on show: an index along the axis that goes through the plane. */
  get index(): number {
    return this._scene.crosshair[this.slice.w];
  }

  /** The slice on show, for screen readers. */
  get inWords(): string {
    const { volume, crosshair } = this._scene;
    const unit = unitsOf(volume.info).length;
    const place = { grid: volume.grid, ijk: crosshair, unit };
    const { depth } = this.slice;
    return sliceInWords(
      ...([this.plane, { index: this.index, depth }, place] as const),
      this._trans
    );
  }

  /** Drawings over the image, in screen pixels from the stage's corner. */
  get overlay(): SVGSVGElement {
    return this._overlay;
  }

  /** Screen pixels a millimetre, or a pixel of a scan without millimetres. */
  get scale(): number {
    return this._viewport.scale;
  }

  /** The image must be drawn again: another slice, another window, new voxels. */
  invalidate(): void {
    this._imageDirty = true;
    this.invalidateLabels(null);
  }

  /** @param box - voxels whose labels changed; null for all */
  invalidateLabels(box: Box | null): void {
    const { width, height } = this.slice;
    const rect = box
      ? rectOf(this.slice, this.index, box)
      : { x0: 0, x1: width, y0: 0, y1: height };
    if (rect) {
      this._dirty = unionRect(this._dirty, rect);
      this._wake();
    }
  }

  /** Another proposal is shown, or none. */
  invalidateProposal(): void {
    this._proposal.invalidate();
    this._wake();
  }

  /** The crosshair or the size of the view changed. */
  invalidatePlace(): void {
    this._placeDirty = true;
    this._wake();
  }

  /** Draws what is dirty, if the view is on the screen. */
  draw(): void {
    if (this.node.hidden) {
      return;
    }
    if (this.index !== this._drawnIndex) {
      this.invalidate();
      this._placeDirty = true;
      this._drawnIndex = this.index;
    }
    const { volume, lookup, window, labels, ink } = this._scene;
    if (this._imageDirty) {
      this._imageDirty = false;
      drawSlice(
        this._image.pixels,
        volume,
        this.slice,
        this.index,
        lookup,
        window
      );
      this._image.put();
      this._showWaiting(volume);
      this._range.invalidate();
      this._describe();
    }
    if (this._dirty) {
      this._proposal.invalidate();
      drawLabels(
        this._labels.pixels,
        labels,
        this.slice,
        this.index,
        ink,
        this._dirty,
        this._scene.occupied
      );
      this._labels.put(this._dirty);
      this._dirty = null;
    }
    if (this._placeDirty) {
      this._placeDirty = false;
      this._place();
    }
    this._range.draw(volume, this.index, this._matrix);
    this._underlay.draw(this._scene, this.index);
    this._proposal.draw(this._scene, this.index, this._viewport);
  }

  /** Fits the slice into the view again after its size changed. */
  resize(): void {
    const width = this.stage.clientWidth;
    const height = this.stage.clientHeight;
    if (width === 0 || height === 0) {
      return;
    }
    this._viewport.resize(width, height);
    this.invalidatePlace();
  }

  /** Looks where the view is on the page: once an event, before anything is changed. */
  measure(): DOMRect {
    this._frame = this.stage.getBoundingClientRect();
    return this._frame;
  }

  /** Slice pixel, not rounded, under a place on the page; pixel centres are integers. */
  pixelAt(clientX: number, clientY: number): [number, number] {
    const frame = this._frame ?? this.measure();
    return this._viewport.toPixel(clientX - frame.left, clientY - frame.top);
  }

  /** Where a slice pixel lies on the stage, in screen pixels. */
  toScreen(pixel: readonly number[]): [number, number] {
    return this._viewport.toScreen(pixel);
  }

  /** Voxel index, not rounded, of slice pixel (x, y) of the slice on show. */
  ijkAt(x: number, y: number): Triple {
    return ijkAt(this.slice, x, y, this.index);
  }

  /** Zooms so that the pixel under (clientX, clientY) stays where it is. */
  zoomBy(factor: number, clientX?: number, clientY?: number): void {
    const frame = this.stage.getBoundingClientRect();
    const x =
      (clientX ?? frame.left + frame.width / 2) - frame.left - frame.width / 2;
    const y =
      (clientY ?? frame.top + frame.height / 2) - frame.top - frame.height / 2;
    this._viewport.zoomBy(factor, x, y);
    this.invalidatePlace();
  }

  panBy(dx: number, dy: number): void {
    this._viewport.panBy(dx, dy);
    this.invalidatePlace();
  }

  fit(): void {
    this._viewport.fit();
    this.invalidatePlace();
  }

  /** What a tool would touch; null hides it. */
  showCursor(cursor: ICursor | null): void {
    this._hints.showCursor(cursor);
  }

  /** A line being drawn; null for none. */
  showOutline(outline: IOutline | null): void {
    this._hints.showOutline(outline);
  }

  /** The keyboard's pointer; null hides it. */
  showPointer(at: readonly [number, number] | null, isPressed = false): void {
    this._pointer.show(at, isPressed);
  }

  /** Moves the slice so that a pixel of it is in view. */
  reveal(at: readonly [number, number]): void {
    if (this._viewport.reveal(at)) {
      this.invalidatePlace();
    }
  }

  /** Shows the patient's left on the image's right (radiological), or on its left. */
  turn(radiological: boolean): void {
    // The same object: what lies over the image and the tools look into it too.
    const { grid } = this._scene.volume;
    Object.assign(this.slice, sliceGeometry(grid, this.plane, radiological));
    for (const letter of this._letterNodes) {
      const side = letter.dataset.side as keyof ISliceGeometry['letters'];
      letter.textContent = this.slice.letters[side];
    }
    this._underlay.invalidate();
    this.invalidate();
    this.invalidateProposal();
    this.invalidatePlace();
  }

  /** Intensities that a tool keeps to; null for none. */
  showRange(range: IShownRange | null): void {
    this._range.show(range);
    this._wake();
  }

  setCrosshairShown(isShown: boolean): void {
    this.node.classList.toggle('medlab-mod-plain', !isShown);
  }

  private _place(): void {
    const [sx, sy] = this._viewport.pixelSize;
    const [left, top] = this._viewport.origin;
    this._matrix = `matrix(${sx}, 0, 0, ${sy}, ${left}, ${top})`;
    this._image.canvas.style.transform = this._matrix;
    this._labels.canvas.style.transform = this._matrix;
    this._underlay.place(this._matrix);
    // Voxels with visible edges once they are large, smooth below.
    this._image.canvas.classList.toggle(
      'medlab-mod-pixelated',
      Math.min(sx, sy) > 6
    );
    const [x, y] = this._viewport.toScreen(
      pixelOf(this.slice, this._scene.crosshair)
    );
    const [width, height] = this._viewport.size;
    const gap = 9;
    const h = (a: number, b: number) => `M${a} ${y.toFixed(1)}H${b}`;
    const v = (a: number, b: number) => `M${x.toFixed(1)} ${a}V${b}`;
    this._lineX.setAttribute('d', h(0, x - gap) + h(x + gap, width));
    this._lineY.setAttribute('d', v(0, y - gap) + v(y + gap, height));
    this._hints.place(this.index);
    this._pointer.place();
    this.placed.emit();
  }

  private _describe(): void {
    const { depth, plane } = this.slice;
    const { window } = this._scene;
    const { info } = this._scene.volume;
    const title = this._trans(TITLES[plane]);
    const number = this._trans('%1 / %2', this.index + 1, depth);
    this._title.textContent = `${title}  ${number}`;
    const round = (x: number) =>
      Math.abs(x) < 10 ? +x.toPrecision(3) : Math.round(x);
    const { width, center } = window;
    this._intensity.textContent =
      info.channels === 3 ? '' : `W ${round(width)}  L ${round(center)}`;
    this.slider.value = String(this.index);
    this.slider.setAttribute('aria-valuetext', number);
    this.node.setAttribute('aria-label', this.inWords);
  }

  /** Says that voxels of the slice on show are still on their way. */
  private _showWaiting(volume: Volume): void {
    const isHere =
      volume.isWhole || (this.slice.w === 2 && volume.hasArrived(this.index));
    this._waiting.hidden = isHere;
  }

  private _letters(): HTMLElement[] {
    return Object.entries(this.slice.letters).map(([side, letter]) =>
      element('span', {
        className: `medlab-Plane-letter medlab-mod-${side}`,
        text: letter,
        attributes: { 'data-side': side }
      })
    );
  }

  private readonly _trans: Translate;
  private readonly _viewport: Viewport;
  private readonly _image: PixelLayer;
  private readonly _labels: PixelLayer;
  private readonly _range: RangeLayer;
  private readonly _underlay: UnderlayLayer;
  private readonly _proposal: ProposalLayer;
  private _matrix = '';
  private readonly _title = element('div', { className: 'medlab-Plane-title' });
  private readonly _intensity = element('div', {
    className: 'medlab-Plane-window'
  });
  private readonly _waiting = element('div', {
    className: 'medlab-Plane-waiting'
  });
  private readonly _overlay = svg('svg', { class: 'medlab-Plane-overlay' });
  private readonly _lineX = svg('path', { class: 'medlab-Plane-line' });
  private readonly _lineY = svg('path', { class: 'medlab-Plane-line' });
  private readonly _hints: Overlay;
  private readonly _pointer: PointerMark;
  private readonly _letterNodes: readonly HTMLElement[];
  private _frame: DOMRect | null = null;
  private _imageDirty = true;
  private _placeDirty = true;
  private _dirty: IRect | null = null;
  private _drawnIndex = -1;
}

import { KEEP } from '../../server/messages';
import type { Triple } from '../../server/types';

import { element } from '../dom';
import { isSketch, type Shown } from '../effects/proposal';
import type { LabelMap } from '../labels/label_map';

import { type ISliceGeometry, pixelOf } from './geometry';
import { type IRect, rectOf, walk } from './raster';
import type { Scene } from './scene';
import type { Viewport } from './viewport';

/*
 * A proposal is drawn in the screen's pixels, so that its hatching is as fine at every
 * zoom: stripes in the segment's colour where voxels would be added, dark crosses where
 * they would be cleared, and around both a dashed outline that pulses.
 */

/** A voxel that would be cleared. */
const CLEARED = 65534;
const PERIOD = 8;
/** Screen pixels that the outline is wide. */
const RIM = 1.6;

/** The proposal on one plane; its pixels change only when it, or the view, does. */
export class ProposalLayer {
  constructor(private readonly _slice: ISliceGeometry) {
    this._rim.classList.add('medlab-mod-rim');
    this._pixels.hidden = true;
    this._seed.hidden = true;
  }

  readonly node = element('div', { className: 'medlab-Plane-proposal' });

  /** Something other than the viewport changed: look at the labels again. */
  invalidate(): void {
    this._isStale = true;
  }

  draw(scene: Scene, index: number, viewport: Viewport): void {
    const place = [
      ...[...viewport.size, ...viewport.origin, ...viewport.pixelSize],
      index
    ];
    const isPlaced = place.every((value, at) => value === this._place[at]);
    if (!this._isStale && isPlaced) {
      return;
    }
    this._place = place;
    this._isStale = false;
    this._mark(scene.seed, index, viewport);
    const shown = scene.proposal;
    const rect = shown ? rectOf(this._slice, index, shown.box) : null;
    this._pixels.hidden = !rect;
    if (shown && rect) {
      const kinds = kindsIn(shown, scene.labels, this._slice, index, rect);
      this._paint(kinds, rect, viewport, coloursOf(scene, shown));
    }
  }

  /** Marks the voxel an effect starts from, fainter in other slices than its own. */
  private _mark(seed: Triple | null, index: number, viewport: Viewport): void {
    this._seed.hidden = !seed;
    if (seed) {
      this.node.append(this._seed);
      const [x, y] = viewport.toScreen(pixelOf(this._slice, seed));
      this._seed.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
      this._seed.classList.toggle(
        'medlab-mod-elsewhere',
        seed[this._slice.w] !== index
      );
    }
  }

  private _paint(
    kinds: Uint16Array,
    rect: IRect,
    viewport: Viewport,
    colours: Map<number, number>
  ): void {
    const [width, height] = viewport.size.map(Math.round);
    const [sx, sy] = viewport.pixelSize;
    const [left, top] = viewport.origin;
    const columns = lineUp(rect.x0, rect.x1, left, sx, width);
    const rows = lineUp(rect.y0, rect.y1, top, sy, height);
    this._clear(width, height);
    if (columns.count < 1 || rows.count < 1) {
      return;
    }
    const fill = new ImageData(columns.count, rows.count);
    const rim = new ImageData(columns.count, rows.count);
    shade(
      kinds,
      rect.x1 - rect.x0 + 2,
      columns,
      rows,
      colours,
      new Uint32Array(fill.data.buffer),
      new Uint32Array(rim.data.buffer)
    );
    this._fillContext?.putImageData(fill, columns.first, rows.first);
    this._rimContext?.putImageData(rim, columns.first, rows.first);
  }

  private _clear(width: number, height: number): void {
    if (!this._fillContext) {
      this._pixels.append(this._fill, this._rim);
      this.node.prepend(this._pixels);
      this._fillContext = this._fill.getContext('2d');
      this._rimContext = this._rim.getContext('2d');
    }
    for (const canvas of [this._fill, this._rim]) {
      if (canvas.width !== width || canvas.height !== height) {
        canvas.width = width;
        canvas.height = height;
      } else {
        canvas.getContext('2d')?.clearRect(0, 0, width, height);
      }
    }
  }

  private readonly _pixels = element('div');
  private readonly _seed = element('div', { className: 'medlab-Plane-seed' });
  private readonly _fill = element('canvas');
  private readonly _rim = element('canvas');
  private _fillContext: CanvasRenderingContext2D | null = null;
  private _rimContext: CanvasRenderingContext2D | null = null;
  private _place: number[] = [];
  private _isStale = true;
}

/**
 * What would become of each pixel of a part of a slice: 0 nothing, `CLEARED`, else its
 * new label. One pixel wider on each side, so that every pixel has neighbours.
 */
export function kindsIn(
  shown: Shown,
  map: LabelMap,
  slice: ISliceGeometry,
  index: number,
  rect: IRect
): Uint16Array {
  const { start, stepX, stepY } = walk(slice, index, map.shape);
  const labelAt = isSketch(shown) ? shown.labelAt.bind(shown) : null;
  const inBox = labelAt ? null : walkBox(shown, slice, index);
  const width = rect.x1 - rect.x0 + 2;
  const kinds = new Uint16Array(width * (rect.y1 - rect.y0 + 2));
  for (let y = rect.y0; y < rect.y1; y++) {
    let p = (y - rect.y0 + 1) * width + 1;
    let at = start + y * stepY + rect.x0 * stepX;
    for (let x = rect.x0; x < rect.x1; x++, p++, at += stepX) {
      const label = labelAt ? labelAt(at) : (inBox?.(x, y) ?? KEEP);
      if (label !== KEEP && label !== map.data[at]) {
        kinds[p] = label || CLEARED;
      }
    }
  }
  return kinds;
}

/** Looks a slice's pixels up in a proposal's box. */
function walkBox(
  shown: Shown,
  slice: ISliceGeometry,
  index: number
): ((x: number, y: number) => number) | null {
  if (isSketch(shown)) {
    return null;
  }
  const { box, labels } = shown;
  const strides = [1, box[1] - box[0], (box[1] - box[0]) * (box[3] - box[2])];
  const { u, v, w, flipU, flipV, width, height } = slice;
  const [u0, u1] = [box[2 * u], box[2 * u + 1]];
  const [v0, v1] = [box[2 * v], box[2 * v + 1]];
  const origin = (index - box[2 * w]) * strides[w];
  return (x, y) => {
    const iu = flipU ? width - 1 - x : x;
    const iv = flipV ? height - 1 - y : y;
    return iu >= u0 && iu < u1 && iv >= v0 && iv < v1
      ? labels[origin + (iu - u0) * strides[u] + (iv - v0) * strides[v]]
      : KEEP;
  };
}

/** Which slice pixel each screen pixel shows, along one side of the screen. */
interface ILine {
  /** First screen pixel, and how many follow it. */
  first: number;
  count: number;
  /** Pixel of the part, counted from its border. */
  pixel: Int32Array;
  /** The screen pixel lies at the pixel's edge before or after it. */
  before: Uint8Array;
  after: Uint8Array;
}

function lineUp(
  from: number,
  to: number,
  origin: number,
  size: number,
  room: number
): ILine {
  const first = Math.max(0, Math.floor(origin + from * size));
  const last = Math.min(room, Math.ceil(origin + to * size));
  const count = Math.max(0, last - first);
  const pixel = new Int32Array(count);
  const before = new Uint8Array(count);
  const after = new Uint8Array(count);
  for (let n = 0; n < count; n++) {
    const place = (first + n + 0.5 - origin) / size;
    const at = Math.min(to - 1, Math.max(from, Math.floor(place)));
    pixel[n] = at - from + 1;
    before[n] = (place - at) * size < RIM ? 1 : 0;
    after[n] = (at + 1 - place) * size < RIM ? 1 : 0;
  }
  return { first, count, pixel, before, after };
}

/** Hatches what changes and draws its outline, both `0xAABBGGRR`. */
function shade(
  kinds: Uint16Array,
  width: number,
  columns: ILine,
  rows: ILine,
  colours: Map<number, number>,
  fill: Uint32Array,
  rim: Uint32Array
): void {
  let colour = 0;
  let colourOf = 0;
  for (let y = 0, p = 0; y < rows.count; y++) {
    const row = rows.pixel[y] * width;
    const sy = rows.first + y;
    for (let x = 0; x < columns.count; x++, p++) {
      const at = row + columns.pixel[x];
      const kind = kinds[at];
      if (kind === 0) {
        continue;
      }
      if (kind !== colourOf) {
        colour = colours.get(kind) ?? 0xffffff;
        colourOf = kind;
      }
      const sx = columns.first + x;
      const isStripe = (sx + sy) % PERIOD < 3;
      const isEdge =
        (columns.before[x] && kinds[at - 1] !== kind) ||
        (columns.after[x] && kinds[at + 1] !== kind) ||
        (rows.before[y] && kinds[at - width] !== kind) ||
        (rows.after[y] && kinds[at + width] !== kind);
      if (kind === CLEARED) {
        const isCross = isStripe || (sx - sy + 8192) % PERIOD < 2;
        fill[p] = isCross ? 0xd8101010 : 0x58101010;
      } else {
        fill[p] = ((isStripe ? 0xcc000000 : 0x2e000000) | colour) >>> 0;
      }
      if (isEdge) {
        const isDash = (sx + sy) % PERIOD < PERIOD / 2;
        const ink = kind === CLEARED ? 0x101010 : colour;
        rim[p] = ((isDash ? 0xffffff : ink) | 0xff000000) >>> 0;
      }
    }
  }
}

/** Colours `0xBBGGRR` of the labels that a proposal may show. */
function coloursOf(scene: Scene, shown: Shown): Map<number, number> {
  const added = isSketch(shown) ? [] : (shown.newSegments ?? []);
  return new Map(
    [...scene.labels.segments, ...added].map(({ id, color }) => {
      const rgb = parseInt(color.slice(1), 16);
      return [id, ((rgb & 255) << 16) | (rgb & 0xff00) | (rgb >> 16)];
    })
  );
}

import { svg } from '../dom';
import type { Viewport } from './viewport';

type Point = readonly [number, number];

/** What a tool would touch: a disc, or a bar where a disc is seen from its side. */
export interface ICursor {
  shape: 'round' | 'bar';
  /** Slice pixel of the middle. */
  at: Point;
  /** Half its size across and down, in mm. */
  half_mm: readonly [number, number];
  color: string;
  /** It takes away. */
  erases?: boolean;
}

/** A line on one slice, in slice pixels. */
export interface IOutline {
  points: readonly Point[];
  /** The slice it lies on; other slices do not show it. */
  index: number;
  color: string;
  /** It ends where it begins: its inside is tinted. */
  isClosed?: boolean;
  /** Fixed corners. */
  knots?: readonly Point[];
  /** Where it would go from its last point. */
  next?: readonly Point[];
}

/** What the tools show over an image before they do it. */
export class Overlay {
  constructor(private readonly _viewport: Viewport) {}

  get nodes(): readonly SVGElement[] {
    return [this._line, this._next, this._knots, this._cursor];
  }

  showCursor(cursor: ICursor | null): void {
    if (!cursor) {
      if (this._hasCursor) {
        this._cursor.setAttribute('visibility', 'hidden');
      }
      this._hasCursor = false;
      return;
    }
    const { scale } = this._viewport;
    const [x, y] = this._viewport.toScreen(cursor.at);
    const [rx, ry] = cursor.half_mm.map(half => Math.max(1, half * scale));
    const round = `M${p(x - rx)} ${p(y)}a${p(rx)} ${p(ry)} 0 1 0 ${p(2 * rx)} 0a${p(rx)} ${p(ry)} 0 1 0 ${p(-2 * rx)} 0z`;
    const bar = `M${p(x - rx)} ${p(y - ry)}h${p(2 * rx)}v${p(2 * ry)}h${p(-2 * rx)}z`;
    this._cursor.setAttribute('d', cursor.shape === 'bar' ? bar : round);
    this._cursor.style.stroke = cursor.color;
    this._cursor.classList.toggle('medlab-mod-erases', !!cursor.erases);
    if (!this._hasCursor) {
      this._cursor.setAttribute('visibility', 'visible');
    }
    this._hasCursor = true;
  }

  showOutline(outline: IOutline | null): void {
    this._outline = outline;
    this._drawOutline();
  }

  /** @param index - the slice on show; lines on other slices are hidden */
  place(index: number): void {
    this._index = index;
    this._drawOutline();
  }

  private _drawOutline(): void {
    const shown = this._outline?.index === this._index ? this._outline : null;
    const line = shown?.points ?? [];
    const last = line[line.length - 1];
    const next = last && shown?.next?.length ? [last, ...shown.next] : [];
    this._line.setAttribute('d', this._path(line, !!shown?.isClosed));
    this._next.setAttribute('d', this._path(next, false));
    this._knots.setAttribute(
      'd',
      (shown?.knots ?? [])
        .map(knot => {
          const [x, y] = this._viewport.toScreen(knot);
          return `M${p(x - 3)} ${p(y - 3)}h6v6h-6z`;
        })
        .join('')
    );
    for (const node of [this._line, this._next, this._knots]) {
      node.style.stroke = shown?.color ?? '';
    }
    this._line.style.fill = shown?.isClosed ? shown.color : 'none';
  }

  private _path(points: readonly Point[], isClosed: boolean): string {
    const places = points.map(point => {
      const [x, y] = this._viewport.toScreen(point);
      return `${p(x)} ${p(y)}`;
    });
    return places.length < 2
      ? ''
      : `M${places.join('L')}${isClosed ? 'z' : ''}`;
  }

  private readonly _line = svg('path', { class: 'medlab-Plane-outline' });
  private readonly _next = svg('path', {
    class: 'medlab-Plane-outline medlab-mod-next'
  });
  private readonly _knots = svg('path', { class: 'medlab-Plane-knots' });
  private readonly _cursor = svg('path', {
    class: 'medlab-Plane-cursor',
    visibility: 'hidden'
  });
  private _outline: IOutline | null = null;
  private _hasCursor = false;
  private _index = -1;
}

/** A place in screen pixels, to a tenth. */
function p(x: number): string {
  return x.toFixed(1);
}

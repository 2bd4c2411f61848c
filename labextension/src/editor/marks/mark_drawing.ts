import type { MarkKind } from '../../server/types';

import { svg } from '../dom';

import type { IMarkShape, Pixel } from './shape';

/** The plane a mark is drawn on. */
export interface IDrawingPlane {
  readonly stage: HTMLElement;
  toScreen(pixel: readonly number[]): Pixel;
}

export interface IMarkLook {
  kind: MarkKind;
  color: string;
  words: string;
  isSelected: boolean;
  handleLabel(n: number): string;
}

/** Screen pixels of a letter, on average. */
const LETTER = 6.3;

/** One mark on one plane; its nodes stay, so that a handle keeps the focus. */
export class MarkDrawing {
  constructor(
    private readonly _plane: IDrawingPlane,
    id: string
  ) {
    this.node = svg('g', { class: 'medlab-Mark', 'data-mark': id }, [
      this._halo,
      this._line,
      this._faded,
      this._handles,
      this._text
    ]);
  }

  readonly node: SVGGElement;

  draw(shape: IMarkShape, look: IMarkLook): void {
    this.node.style.color = look.color;
    this.node.classList.toggle('medlab-mod-selected', look.isSelected);
    const solid = shape.lines.filter(line => !line.isFaded);
    const faded = shape.lines.filter(line => line.isFaded);
    const path = (lines: typeof solid) =>
      lines.map(line => this._path(line.points, line.isClosed)).join('');
    const spots = this._spots(shape, look.kind);
    this._line.setAttribute('d', path(solid) + spots);
    this._faded.setAttribute('d', path(faded));
    this._halo.setAttribute('d', path(shape.lines) + spots);
    this._drawHandles(shape, look);
    this._drawText(shape, look);
  }

  /** A cross for a point, small ends for lines that are not selected. */
  private _spots(shape: IMarkShape, kind: MarkKind): string {
    if (kind === 'point') {
      return shape.handles
        .map(({ at }) => {
          const [x, y] = this._plane.toScreen(at).map(round);
          return `M${x - 7} ${y}h5m4 0h5M${x} ${y - 7}v5m0 4v5`;
        })
        .join('');
    }
    return '';
  }

  private _path(points: readonly Pixel[], isClosed: boolean): string {
    const places = points.map(point =>
      this._plane.toScreen(point).map(round).join(' ')
    );
    return `M${places.join('L')}${isClosed ? 'z' : ''}`;
  }

  private _drawHandles(shape: IMarkShape, look: IMarkLook): void {
    const shown = shape.handles;
    while (this._handles.childElementCount > shown.length) {
      this._handles.lastElementChild?.remove();
    }
    shown.forEach((handle, n) => {
      let node = this._handles.children[n];
      if (!node) {
        node = svg('circle', { class: 'medlab-Mark-handle', role: 'button' });
        node.setAttribute('data-handle', String(n));
        this._handles.append(node);
      }
      const [cx, cy] = this._plane.toScreen(handle.at).map(round);
      node.setAttribute('cx', String(cx));
      node.setAttribute('cy', String(cy));
      node.setAttribute('r', look.isSelected ? '5' : '2.5');
      node.classList.toggle('medlab-mod-faded', handle.isFaded);
      node.setAttribute('tabindex', look.isSelected ? '0' : '-1');
      if (look.isSelected) {
        node.setAttribute('aria-label', look.handleLabel(n));
        node.removeAttribute('aria-hidden');
      } else {
        node.setAttribute('aria-hidden', 'true');
      }
    });
    const isOpen = look.kind === 'line' || look.kind === 'angle';
    this._handles.style.display =
      look.isSelected || isOpen || look.kind === 'point' ? '' : 'none';
  }

  private _drawText(shape: IMarkShape, look: IMarkLook): void {
    const [x, y] = this._plane.toScreen(shape.anchor).map(round);
    const width = look.words.length * LETTER;
    const room = this._plane.stage.clientWidth - 20;
    const fits = x + 10 + width < room;
    this._text.setAttribute('x', String(fits ? x + 10 : x - 10));
    this._text.setAttribute('y', String(Math.max(14, y + 4)));
    this._text.setAttribute('text-anchor', fits ? 'start' : 'end');
    if (this._text.textContent !== look.words) {
      this._text.textContent = look.words;
    }
  }

  private readonly _halo = svg('path', { class: 'medlab-Mark-halo' });
  private readonly _line = svg('path', { class: 'medlab-Mark-line' });
  private readonly _faded = svg('path', {
    class: 'medlab-Mark-line medlab-mod-faded'
  });
  private readonly _handles = svg('g');
  private readonly _text = svg('text', { class: 'medlab-Mark-text' });
}

function round(x: number): number {
  return Math.round(10 * x) / 10;
}

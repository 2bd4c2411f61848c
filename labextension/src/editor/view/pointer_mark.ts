import { svg } from '../dom';
import type { Viewport } from './viewport';

/** The keyboard's pointer: an open cross with a dark edge, seen on bone and on air. */
export class PointerMark {
  constructor(private readonly _viewport: Viewport) {}

  readonly node = svg('g', { class: 'medlab-Plane-pointer' });

  /** @param at - slice pixel; null hides it */
  show(at: readonly [number, number] | null, isPressed = false): void {
    this._at = at;
    this.node.classList.toggle('medlab-mod-pressed', isPressed);
    this.place();
  }

  /** The view moved. */
  place(): void {
    if (!this._at) {
      this.node.replaceChildren();
      return;
    }
    if (!this.node.firstChild) {
      this.node.append(this._edge, this._line);
    }
    const [x, y] = this._viewport.toScreen(this._at);
    const [dx, dy] = this._viewport.pixelSize.map(size => size / 2 + 3);
    const arm = (ux: number, uy: number) =>
      `M${(x + ux * dx).toFixed(1)} ${(y + uy * dy).toFixed(1)}` +
      `l${ux * 12} ${uy * 12}`;
    const d = arm(-1, 0) + arm(1, 0) + arm(0, -1) + arm(0, 1);
    this._edge.setAttribute('d', d);
    this._line.setAttribute('d', d);
  }

  private readonly _edge = svg('path', { class: 'medlab-mod-edge' });
  private readonly _line = svg('path');
  private _at: readonly [number, number] | null = null;
}

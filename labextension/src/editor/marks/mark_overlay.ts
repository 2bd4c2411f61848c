import type { IMark, Triple } from '../../server/types';

import type { IEditorContext } from '../context';
import { svg } from '../dom';
import { ijkAt } from '../view/geometry';
import type { PlaneView } from '../view/plane_view';

import { shifted } from './hold';
import { changed, insideOf } from './mark';
import type { MarkBoard } from './mark_board';
import { MarkDrawing } from './mark_drawing';
import { afterHandle, type IHandle, shapeOf } from './shape';
import { valueOf } from './words';

/** The marks on top of the planes; those of the selected one can be moved by keys. */
export class MarkOverlay {
  constructor(
    private readonly _context: IEditorContext,
    board: MarkBoard
  ) {
    const { planes } = _context;
    this._layers = planes.views.map(view => new Layer(_context, board, view));
    this._stop = [
      board.changed.connect(() => this._draw()),
      ...this._layers.map(layer =>
        layer.view.placed.connect(() => layer.draw())
      )
    ];
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
    this._layers.forEach(layer => layer.dispose());
  }

  /** Once a frame, however often a mark changes in it. */
  private _draw(): void {
    this._frame ||= requestAnimationFrame(() => {
      this._frame = 0;
      if (!this._context.signal.aborted) {
        this._layers.forEach(layer => layer.draw());
      }
    });
  }

  private readonly _layers: Layer[];
  private readonly _stop: (() => void)[];
  private _frame = 0;
}

/** The marks on one plane. */
class Layer {
  constructor(
    private readonly _context: IEditorContext,
    private readonly _board: MarkBoard,
    readonly view: PlaneView
  ) {
    view.overlay.append(this._node, this._classes);
    this._node.addEventListener('keydown', event => this._press(event));
    this._node.addEventListener('keyup', () => this._settle());
    this._node.addEventListener('focusout', () => this._settle());
  }

  draw(): void {
    if (this.view.node.hidden) {
      return;
    }
    const { slice, index } = this.view;
    const shown = new Set<string>();
    for (const mark of this._board.areShown ? this._board.marks : []) {
      const shape = shapeOf(mark, slice, index);
      if (shape) {
        shown.add(mark.id);
        this._drawing(mark.id).draw(shape, {
          kind: mark.kind,
          color: this._board.colorOf(mark),
          words: this._words(mark),
          isSelected: mark.id === this._board.selected,
          handleLabel: n => this._label(mark, n, shape.handles.length)
        });
      }
    }
    for (const [id, drawing] of this._drawings) {
      if (!shown.has(id)) {
        drawing.node.remove();
        this._drawings.delete(id);
      }
    }
    this._drawClasses();
  }

  dispose(): void {
    this._node.remove();
    this._classes.remove();
  }

  private _drawing(id: string): MarkDrawing {
    let drawing = this._drawings.get(id);
    if (!drawing) {
      drawing = new MarkDrawing(this.view, id);
      this._drawings.set(id, drawing);
      this._node.append(drawing.node);
    }
    return drawing;
  }

  private _words(mark: IMark): string {
    const value = valueOf(mark, this._context);
    if (mark.kind === 'point') {
      return mark.name;
    }
    return mark.id === this._board.selected ? `${mark.name}: ${value}` : value;
  }

  private _label(mark: IMark, n: number, count: number): string {
    const { trans } = this._context;
    return trans(
      '%1, handle %2 of %3. Arrow keys move it, Delete removes the mark.',
      ...[`${mark.name}, ${valueOf(mark, this._context)}`, n + 1, count]
    );
  }

  /** The classes of this slice, in a corner. */
  private _drawClasses(): void {
    const { slice, index } = this.view;
    const lines = this._board.marks.filter(
      mark =>
        mark.kind === 'class' &&
        mark.scope === 'slice' &&
        mark.plane === slice.plane &&
        Math.round(mark.points[0]?.[slice.w] ?? -1) === index
    );
    const isShown = this._board.areShown;
    this._classes.replaceChildren(
      ...(isShown ? lines : []).map((mark, n) => {
        const text = svg('text', {
          class: 'medlab-Mark-text',
          x: 8,
          y: 36 + 16 * n
        });
        text.textContent = `${mark.name}: ${mark.value ?? ''}`;
        text.style.fill = this._board.colorOf(mark);
        return text;
      })
    );
  }

  /** Arrow keys move the handle that has the focus; their release makes it a step. */
  private _press(event: KeyboardEvent): void {
    const at = event.target instanceof Element ? handleAt(event.target) : null;
    const mark = this._board.find(at?.id ?? null);
    if (!at || !mark || event.altKey || event.metaKey) {
      return;
    }
    const step = STEPS[event.key];
    const isMine =
      step || ['Delete', 'Backspace', 'Escape'].includes(event.key);
    if (!isMine) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    if (step) {
      const size = event.shiftKey ? 10 : event.ctrlKey ? 0.1 : 1;
      this._nudge(mark, at.handle, step.map(x => x * size) as Triple);
    } else {
      this.view.node.focus();
      if (event.key === 'Escape') {
        this._board.select(null);
      } else {
        this._board.remove(mark.id);
      }
    }
  }

  /** @param step - pixels right and down, slices towards S, R or A */
  private _nudge(mark: IMark, n: number, [dx, dy, dw]: Triple): void {
    const { slice, index } = this.view;
    const { shape } = this._context.scene.volume.info;
    const handle = shapeOf(mark, slice, index)?.handles[n];
    if (!handle) {
      return;
    }
    if (dw !== 0) {
      this._shift(mark, handle, Math.sign(dw) * Math.max(1, Math.abs(dw)));
      return;
    }
    const [x, y] = handle.at;
    const to = insideOf(shape, ijkAt(slice, x + dx, y + dy, index));
    const points = afterHandle(mark, slice, handle, to);
    this._isNudged = true;
    this._board.show(changed(mark, { points }));
  }

  /** Takes the point of a handle, or a flat mark, to another slice and looks there. */
  private _shift(mark: IMark, handle: IHandle, slices: number): void {
    const { slice, index } = this.view;
    const { scene } = this._context;
    const by: Triple = [0, 0, 0];
    by[slice.w] = slices * slice.stepW;
    const isPath = mark.kind === 'line' || mark.kind === 'angle';
    const next = isPath
      ? changed(mark, {
          points: mark.points.map((point, n) =>
            n === handle.u
              ? insideOf(
                  scene.volume.info.shape,
                  point.map((x, axis) => x + by[axis]) as Triple
                )
              : point
          )
        })
      : shifted(this._board, mark, by);
    this._isNudged = true;
    this._board.show(next);
    scene.goTo(slice.w, index + by[slice.w]);
  }

  private _settle(): void {
    if (this._isNudged) {
      this._isNudged = false;
      this._board.keep();
    }
  }

  private readonly _node = svg('g', { class: 'medlab-Marks' });
  private readonly _classes = svg('g');
  private readonly _drawings = new Map<string, MarkDrawing>();
  private _isNudged = false;
}

/** Pixels right and down, slices. */
const STEPS: Record<string, Triple> = {
  ArrowLeft: [-1, 0, 0],
  ArrowRight: [1, 0, 0],
  ArrowUp: [0, -1, 0],
  ArrowDown: [0, 1, 0],
  PageUp: [0, 0, 1],
  PageDown: [0, 0, -1]
};

function handleAt(node: Element): { id: string; handle: number } | null {
  const handle = node.getAttribute('data-handle');
  const id = node.closest('[data-mark]')?.getAttribute('data-mark');
  return handle !== null && id ? { id, handle: Number(handle) } : null;
}

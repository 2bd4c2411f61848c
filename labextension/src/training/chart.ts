import { formatNumber } from '../ui/format';
import { groupMarks, type IChartMark, MarkRow } from './marks';
import { linearTicks, logTicks, nearest, thin } from './scale';

export interface ILine {
  label: string;
  /** Shorter, for the legend. */
  legend?: string;
  /** Which of the `--medlab-curve-N` colours, from 0. */
  color: number;
  /** Broken: how validation is drawn. */
  isDashed?: boolean;
  /** Pale and thin: single batches behind their epochs. */
  isFaint?: boolean;
  /** The best point, ringed: its place, and the epoch it is of. */
  best?: { index: number; epoch: number };
  xs: readonly number[];
  ys: readonly number[];
}

const LEFT = 48;
const RIGHT = 10;
const TOP = 8;
const MARKS_TOP = 24;
const MARK_GAP = 22;
const BOTTOM = 22;
const COLORS = 6;

/**
 * Lines over a step axis on one small canvas, with a read-out under the pointer.
 *
 * Framework-free, so that the sidebar and the notebook widget share it.
 */
export class LineChart {
  constructor(
    host: HTMLElement,
    private readonly _label: string,
    private readonly _xLabel = 'step',
    marksLabel = 'Marks on the curve'
  ) {
    this.node = host.ownerDocument.createElement('div');
    this.node.className = 'medlab-Chart';
    this._canvas = host.ownerDocument.createElement('canvas');
    this._canvas.setAttribute('role', 'img');
    this._readout = host.ownerDocument.createElement('div');
    this._readout.className = 'medlab-Chart-readout';
    this._readout.hidden = true;
    this.node.append(this._canvas, this._readout);
    this._row = new MarkRow(this.node, marksLabel);
    host.append(this.node);
    this._canvas.addEventListener('pointermove', this._onMove);
    this._canvas.addEventListener('pointerleave', this._onLeave);
    this._sizes = new ResizeObserver(() => this._later());
    this._sizes.observe(this.node);
    // A change of theme changes the colours, and no size.
    this._themes = new MutationObserver(() => this._later());
    const attributeFilter = [
      'data-jp-theme-name',
      'data-jp-theme-light',
      'class'
    ];
    this._themes.observe(host.ownerDocument.body, { attributeFilter });
  }

  readonly node: HTMLElement;

  setLines(lines: readonly ILine[], isLog = false): void {
    this._lines = lines;
    this._isLog = isLog;
    this._canvas.setAttribute('aria-label', this._summary());
    this._later();
  }

  /** Shows what was done to the run: lines, and with `hasSigns` signs to point at. */
  setMarks(marks: readonly IChartMark[], hasSigns = true): void {
    this._marks = marks;
    this._hasSigns = hasSigns;
    this._later();
  }

  dispose(): void {
    cancelAnimationFrame(this._frame);
    this._sizes.disconnect();
    this._themes.disconnect();
    this.node.remove();
  }

  private _summary(): string {
    const ends = this._lines
      .filter(line => line.ys.length > 0)
      .map(
        line => `${line.label} ${formatNumber(line.ys[line.ys.length - 1])}`
      );
    return `${this._label}: ${ends.join(', ') || '–'}`;
  }

  private _later(): void {
    cancelAnimationFrame(this._frame);
    this._frame = requestAnimationFrame(() => this._draw());
  }

  private _draw(): void {
    const width = this.node.clientWidth;
    const height = this.node.clientHeight;
    const context = this._canvas.getContext('2d');
    this._top = this._hasSigns && this._marks.length > 0 ? MARKS_TOP : TOP;
    const leastHeight = this._top + BOTTOM + 20;
    if (!context || width < LEFT + RIGHT + 20 || height < leastHeight) {
      return;
    }
    const ratio = window.devicePixelRatio || 1;
    this._canvas.width = Math.round(width * ratio);
    this._canvas.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    this._frameOf(width, height);
    this._drawAxes(context, width, height);
    context.save();
    context.beginPath();
    const top = this._top;
    context.rect(LEFT, top, width - LEFT - RIGHT, height - top - BOTTOM);
    context.clip();
    this._drawMarks(context, height);
    for (const line of this._lines) {
      this._drawLine(context, line, width);
    }
    context.restore();
    for (const line of this._lines) {
      this._drawBest(context, line);
    }
    this._drawPointer(context, height);
    const xOf = (x: number) => this._x(x);
    const shown = this._hasSigns ? this._marks : [];
    this._row.show(groupMarks(shown, xOf, MARK_GAP), xOf);
  }

  /** Works out which range is on show. */
  private _frameOf(width: number, height: number): void {
    let [x0, x1, y0, y1] = [Infinity, -Infinity, Infinity, -Infinity];
    for (const { xs, ys } of this._lines) {
      if (xs.length > 0) {
        x0 = Math.min(x0, xs[0]);
        x1 = Math.max(x1, xs[xs.length - 1]);
      }
      for (const y of ys) {
        if (Number.isFinite(y) && (!this._isLog || y > 0)) {
          y0 = y < y0 ? y : y0;
          y1 = y > y1 ? y : y1;
        }
      }
    }
    for (const { x } of this._marks) {
      x0 = Math.min(x0, x);
      x1 = Math.max(x1, x);
    }
    if (!(x1 >= x0)) {
      [x0, x1] = [0, 1];
    }
    if (!(y1 >= y0)) {
      [y0, y1] = this._isLog ? [0.1, 1] : [0, 1];
    }
    if (this._isLog) {
      [y0, y1] = y0 === y1 ? [y0 / 2, y1 * 2] : [y0 * 0.9, y1 * 1.1];
    } else {
      const room = (y1 - y0) * 0.05 || Math.abs(y1) * 0.1 || 1;
      // A loss or a score starts at zero more often than not: do not go below it.
      y0 = y0 >= 0 ? Math.max(0, y0 - room) : y0 - room;
      y1 += room;
    }
    const x1Shown = x1 > x0 ? x1 : x0 + 1;
    this._shown = { x0, x1: x1Shown, y0, y1, width, height };
  }

  private _x(x: number): number {
    const { x0, x1, width } = this._shown;
    return LEFT + ((x - x0) / (x1 - x0)) * (width - LEFT - RIGHT);
  }

  private _y(y: number): number {
    const { y0, y1, height } = this._shown;
    const part = this._isLog
      ? (Math.log(y) - Math.log(y0)) / (Math.log(y1) - Math.log(y0))
      : (y - y0) / (y1 - y0);
    return height - BOTTOM - part * (height - this._top - BOTTOM);
  }

  private _drawMarks(context: CanvasRenderingContext2D, height: number): void {
    const style = getComputedStyle(this.node);
    for (const mark of this._marks) {
      const x = Math.round(this._x(mark.x)) + 0.5;
      const name = mark.isAlert ? '--medlab-mark-alert' : '--medlab-mark';
      context.strokeStyle = style.getPropertyValue(name) || style.color;
      context.globalAlpha = mark.isFaint ? 0.35 : 0.9;
      context.lineWidth = mark.isAlert ? 2 : 1;
      context.setLineDash(mark.isAlert ? [] : [2, 3]);
      context.beginPath();
      context.moveTo(x, this._top);
      context.lineTo(x, height - BOTTOM);
      context.stroke();
    }
    context.setLineDash([]);
    context.globalAlpha = 1;
  }

  private _drawBest(context: CanvasRenderingContext2D, line: ILine): void {
    const y = line.best ? line.ys[line.best.index] : NaN;
    if (!line.best || !Number.isFinite(y) || (this._isLog && y <= 0)) {
      return;
    }
    context.beginPath();
    context.arc(
      this._x(line.xs[line.best.index]),
      this._y(y),
      5,
      0,
      2 * Math.PI
    );
    context.lineWidth = 2;
    context.strokeStyle = this._color(line.color);
    context.fillStyle =
      getComputedStyle(this.node).getPropertyValue('--medlab-curve-paper') ||
      '#fff';
    context.fill();
    context.stroke();
  }

  private _drawAxes(
    context: CanvasRenderingContext2D,
    width: number,
    height: number
  ): void {
    const { x0, x1, y0, y1 } = this._shown;
    const style = getComputedStyle(this.node);
    context.strokeStyle =
      style.getPropertyValue('--medlab-curve-grid') || '#8884';
    context.fillStyle = style.color;
    context.font = `11px ${style.fontFamily}`;
    context.lineWidth = 1;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    const yTicks = this._isLog ? logTicks(y0, y1) : linearTicks(y0, y1, 4);
    for (const tick of yTicks) {
      const y = Math.round(this._y(tick)) + 0.5;
      context.beginPath();
      context.moveTo(LEFT, y);
      context.lineTo(width - RIGHT, y);
      context.stroke();
      context.fillText(formatNumber(tick), LEFT - 6, y);
    }
    context.textAlign = 'center';
    context.textBaseline = 'top';
    const xTicks = linearTicks(x0, x1, Math.max(2, width / 60));
    for (const tick of xTicks.filter(Number.isInteger)) {
      context.fillText(
        formatNumber(tick, 7),
        this._x(tick),
        height - BOTTOM + 6
      );
    }
  }

  private _drawLine(
    context: CanvasRenderingContext2D,
    line: ILine,
    width: number
  ): void {
    const { x0, x1 } = this._shown;
    const color = this._color(line.color);
    context.strokeStyle = color;
    context.fillStyle = color;
    context.globalAlpha = line.isFaint ? 0.35 : 1;
    context.lineWidth = line.isFaint ? 1 : 1.8;
    context.lineJoin = 'round';
    context.setLineDash(line.isDashed ? [5, 3] : []);
    context.beginPath();
    let isDown = false;
    for (const i of thin(line.xs, line.ys, x0, x1, width)) {
      const value = line.ys[i];
      if (!Number.isFinite(value) || (this._isLog && value <= 0)) {
        isDown = false;
        continue;
      }
      const [x, y] = [this._x(line.xs[i]), this._y(value)];
      if (isDown) {
        context.lineTo(x, y);
      } else {
        context.moveTo(x, y);
      }
      isDown = true;
    }
    context.stroke();
    context.setLineDash([]);
    if (line.xs.length === 1 && Number.isFinite(line.ys[0])) {
      context.beginPath();
      context.arc(this._x(line.xs[0]), this._y(line.ys[0]), 3, 0, 2 * Math.PI);
      context.fill();
    }
    context.globalAlpha = 1;
  }

  private _drawPointer(
    context: CanvasRenderingContext2D,
    height: number
  ): void {
    if (this._pointer === null) {
      return;
    }
    const step = this._stepAt(this._pointer);
    if (step === null) {
      return;
    }
    const x = Math.round(this._x(step)) + 0.5;
    context.strokeStyle = getComputedStyle(this.node).color;
    context.globalAlpha = 0.5;
    context.beginPath();
    context.moveTo(x, this._top);
    context.lineTo(x, height - BOTTOM);
    context.stroke();
    context.globalAlpha = 1;
    for (const line of this._lines) {
      const i = nearest(line.xs, step);
      if (i >= 0 && Number.isFinite(line.ys[i]) && !line.isFaint) {
        context.fillStyle = this._color(line.color);
        context.beginPath();
        context.arc(
          this._x(line.xs[i]),
          this._y(line.ys[i]),
          3,
          0,
          2 * Math.PI
        );
        context.fill();
      }
    }
  }

  private _stepAt(pointer: number): number | null {
    const { x0, x1, width } = this._shown;
    const x = x0 + ((pointer - LEFT) / (width - LEFT - RIGHT)) * (x1 - x0);
    let best: number | null = null;
    for (const { xs } of this._lines) {
      const i = nearest(xs, x);
      if (
        i >= 0 &&
        (best === null || Math.abs(xs[i] - x) < Math.abs(best - x))
      ) {
        best = xs[i];
      }
    }
    return best;
  }

  private _color(index: number): string {
    const name = `--medlab-curve-${index % COLORS}`;
    return (
      getComputedStyle(this.node).getPropertyValue(name).trim() || '#1976d2'
    );
  }

  private readonly _onMove = (event: PointerEvent): void => {
    this._pointer = event.offsetX;
    const step = this._stepAt(event.offsetX);
    this._readout.replaceChildren();
    this._readout.hidden = step === null;
    if (step !== null) {
      this._say(`${this._xLabel} ${step}`);
      for (const line of this._lines) {
        const i = nearest(line.xs, step);
        if (i >= 0) {
          this._say(`${line.label} ${formatNumber(line.ys[i])}`, line);
        }
      }
      const isRight = event.offsetX > this._shown.width / 2;
      this._readout.classList.toggle('medlab-mod-left', isRight);
    }
    this._later();
  };

  private _say(text: string, line?: ILine): void {
    const entry = this.node.ownerDocument.createElement('div');
    entry.textContent = text;
    if (line) {
      entry.style.setProperty('--medlab-curve', this._color(line.color));
      entry.className = 'medlab-Chart-entry';
    }
    this._readout.append(entry);
  }

  private readonly _onLeave = (): void => {
    this._pointer = null;
    this._readout.hidden = true;
    this._later();
  };

  private readonly _canvas: HTMLCanvasElement;
  private _frame = 0;
  private _hasSigns = true;
  private _isLog = false;
  private _lines: readonly ILine[] = [];
  private _marks: readonly IChartMark[] = [];
  private _pointer: number | null = null;
  private readonly _readout: HTMLElement;
  private readonly _row: MarkRow;
  private _shown = { x0: 0, x1: 1, y0: 0, y1: 1, width: 1, height: 1 };
  private readonly _sizes: ResizeObserver;
  private readonly _themes: MutationObserver;
  private _top = TOP;
}

import type { IMetricLine } from '../server/types';
import type { IMark } from './marks';

/** One curve: as many steps and epochs as values, steps ascending. */
export interface ISeries {
  /** As logged, for example `val_dice`. */
  name: string;
  /** One value an epoch, or one a batch. */
  each: 'epoch' | 'batch';
  /** Optimiser steps from 1 over the whole run. */
  steps: number[];
  epochs: number[];
  values: number[];
}

export interface IPreview {
  epoch: number;
  file: string;
}

/** The epoch whose weights are kept as the best ones. */
export interface IBest {
  metric: string;
  epoch: number;
  step: number;
  value: number;
}

/** Numbers of a line that say where it stands and are no metric. */
const NO_METRICS = new Set([
  't',
  'epoch',
  'step',
  'seq',
  'seconds',
  'wait_share'
]);

/**
 * What a run's log says, gathered line by line into one history.
 *
 * A run that was killed goes on from its last checkpoint and logs the steps behind it
 * again: the later line counts. `medlab.train.export` follows the same rules, and
 * `tests/contract/resumed.json` holds both to them.
 */
export class RunHistory {
  readonly series = new Map<string, ISeries>();
  readonly previews: IPreview[] = [];
  marks: IMark[] = [];
  /** Why the run is in its state, from the last line that said so. */
  message = '';
  /** When it got into that state, in unix seconds; null before the first line. */
  since: number | null = null;

  add(lines: readonly IMetricLine[]): void {
    for (const line of lines) {
      switch (line.kind) {
        case 'batch':
        case 'epoch':
          this._addMetrics(line, line.kind);
          break;
        case 'preview':
          this._addPreview(line);
          break;
        case 'control':
          this._mark(line, String(line.cmd));
          break;
        case 'alert':
          this._mark(line, 'alert');
          break;
        case 'rewind':
          this._goOnFrom(line);
          break;
        case 'state':
          this._enter(line);
      }
    }
  }

  /** The last step that any curve tells of. */
  get step(): number {
    let last = 0;
    for (const { steps } of this.series.values()) {
      last = Math.max(last, steps[steps.length - 1] ?? 0);
    }
    return last;
  }

  /** Where validation was best: highest Dice, or without one lowest loss. */
  get best(): IBest | null {
    for (const [metric, sign] of [
      ['val_dice', 1],
      ['val_loss', -1]
    ] as const) {
      const series = this.series.get(`epoch:${metric}`);
      if (series && series.values.length > 0) {
        let at = 0;
        series.values.forEach((value, i) => {
          at = sign * value > sign * series.values[at] ? i : at;
        });
        const [epoch, step] = [series.epochs[at], series.steps[at]];
        return { metric, epoch, step, value: series.values[at] };
      }
    }
    return null;
  }

  clear(): void {
    this.series.clear();
    this.previews.length = 0;
    this.marks = [];
    this.message = '';
    this.since = null;
  }

  private _enter(line: IMetricLine): void {
    if (typeof line.message === 'string') {
      this.message = line.message;
    }
    if (line.state !== this._state) {
      this._state = line.state;
      this.since = line.t ?? null;
    }
  }

  private _addMetrics(line: IMetricLine, each: ISeries['each']): void {
    const { step } = line;
    if (typeof step !== 'number' || !Number.isFinite(step)) {
      return;
    }
    if (each === 'epoch') {
      this._forget({ batch: step + 1, epoch: step });
    } else if (step <= this.step) {
      this._forget({ batch: step, epoch: step });
    }
    for (const [name, value] of Object.entries(line)) {
      if (typeof value !== 'number' || NO_METRICS.has(name)) {
        continue;
      }
      const key = `${each}:${name}`;
      let series = this.series.get(key);
      if (!series) {
        series = { name, each, steps: [], epochs: [], values: [] };
        this.series.set(key, series);
      }
      series.steps.push(step);
      series.epochs.push(line.epoch ?? 0);
      series.values.push(value);
    }
  }

  /** Drops what was told of these steps and of later ones. */
  private _forget(from: Record<ISeries['each'], number>): void {
    for (const { each, steps, epochs, values } of this.series.values()) {
      while (steps.length > 0 && steps[steps.length - 1] >= from[each]) {
        steps.pop();
        epochs.pop();
        values.pop();
      }
    }
  }

  private _goOnFrom(line: IMetricLine): void {
    const step = line.step ?? 0;
    const epoch = this._epochOf(step);
    this._forget({ batch: step + 1, epoch: step + 1 });
    // Changed settings are acted on again at their steps, and told again then.
    this.marks = this.marks
      .filter(mark => mark.cmd !== 'set' || mark.step <= step)
      .map(mark => ({ ...mark, undone: mark.undone || mark.step > step }));
    this._mark({ ...line, epoch }, 'resumed');
  }

  private _mark(line: IMetricLine, cmd: string): void {
    const step = line.step ?? this.step;
    const epoch = line.epoch ?? this._epochOf(step);
    const { t, args, code, message } = line;
    this.marks = [
      ...this.marks,
      { cmd, step, epoch, undone: false, t, args, code, message }
    ];
  }

  /** The epoch that a step belongs to, as far as the lines tell. */
  private _epochOf(step: number): number {
    let [after, epochAfter] = [Infinity, 0];
    let [before, epochBefore] = [-1, 0];
    for (const { steps, epochs } of this.series.values()) {
      const i = steps.findIndex(each => each >= step);
      const last = steps.length - 1;
      if (i >= 0 && steps[i] < after) {
        [after, epochAfter] = [steps[i], epochs[i]];
      } else if (i < 0 && last >= 0 && steps[last] > before) {
        [before, epochBefore] = [steps[last], epochs[last]];
      }
    }
    return after < Infinity ? epochAfter : epochBefore;
  }

  private _addPreview(line: IMetricLine): void {
    const { epoch, file } = line;
    if (typeof epoch !== 'number' || typeof file !== 'string') {
      return;
    }
    const place = this.previews.findIndex(preview => preview.epoch >= epoch);
    if (place >= 0) {
      this.previews.splice(place);
    }
    this.previews.push({ epoch, file });
  }

  private _state: string | undefined;
}

/** Curves that belong into one picture: a metric with its validation twin. */
export interface IGroup {
  /** Without `val_`, for example `dice`. */
  name: string;
  series: ISeries[];
}

/** Sorts curves into pictures, each metric with its validation twin. */
export function groupSeries(all: Iterable<ISeries>): IGroup[] {
  const groups = new Map<string, ISeries[]>();
  for (const series of all) {
    const name = series.name.replace(/^val_/, '');
    groups.set(name, [...(groups.get(name) ?? []), series]);
  }
  return [...groups].map(([name, series]) => ({
    name,
    series: series.sort(trainingFirst)
  }));
}

/** Measured on scans the model does not learn from. */
export function isValidation(series: ISeries): boolean {
  return series.name.startsWith('val_');
}

function trainingFirst(a: ISeries, b: ISeries): number {
  const rank = (series: ISeries) =>
    isValidation(series) ? 2 : series.each === 'batch' ? 0 : 1;
  return rank(a) - rank(b);
}

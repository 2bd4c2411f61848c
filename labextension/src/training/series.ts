import type { IMetricLine } from '../server/types';

/** One curve: the same length of steps and values, in the order they were logged. */
export interface ISeries {
  /** As logged, for example `val_dice`. */
  name: string;
  /** One value an epoch, or one a batch. */
  each: 'epoch' | 'batch';
  /** Optimiser steps from 1 over the whole run. */
  steps: number[];
  values: number[];
}

export interface IPreview {
  epoch: number;
  file: string;
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

/** What a run's log says, gathered line by line. */
export class RunHistory {
  readonly series = new Map<string, ISeries>();
  readonly previews: IPreview[] = [];
  /** Why the run is in its state, from the last line that said so. */
  message = '';

  add(lines: readonly IMetricLine[]): void {
    for (const line of lines) {
      if (line.kind === 'batch' || line.kind === 'epoch') {
        this._addMetrics(line, line.kind);
      } else if (line.kind === 'preview') {
        this._addPreview(line);
      } else if (line.kind === 'state' && typeof line.message === 'string') {
        this.message = line.message;
      }
    }
  }

  clear(): void {
    this.series.clear();
    this.previews.length = 0;
    this.message = '';
  }

  private _addMetrics(line: IMetricLine, each: ISeries['each']): void {
    const { step } = line;
    if (typeof step !== 'number' || !Number.isFinite(step)) {
      return;
    }
    for (const [name, value] of Object.entries(line)) {
      if (typeof value !== 'number' || NO_METRICS.has(name)) {
        continue;
      }
      const key = `${each}:${name}`;
      let series = this.series.get(key);
      if (!series) {
        series = { name, each, steps: [], values: [] };
        this.series.set(key, series);
      }
      // A run that resumed from a checkpoint logs some steps again: they count anew.
      while (
        series.steps.length > 0 &&
        series.steps[series.steps.length - 1] >= step
      ) {
        series.steps.pop();
        series.values.pop();
      }
      series.steps.push(step);
      series.values.push(value);
    }
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

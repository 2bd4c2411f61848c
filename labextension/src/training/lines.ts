import type { ILine } from './chart';
import { groupSeries, isValidation, type RunHistory } from './series';

/** The log of a run with its place among the runs that are compared. */
export interface INamedHistory {
  name: string;
  history: RunHistory;
}

/** One picture: a metric, training and validation, of one run or several. */
export interface IPicture {
  name: string;
  lines: ILine[];
}

/**
 * What to draw.
 *
 * Of one run: training in the first colour, validation in the second, and single
 * batches behind. Of several: a colour each, validation dashed, no batches.
 */
export function picturesOf(runs: readonly INamedHistory[]): IPicture[] {
  const pictures = new Map<string, ILine[]>();
  const isAlone = runs.length === 1;
  runs.forEach(({ name, history }, place) => {
    const { best } = history;
    for (const group of groupSeries(history.series.values())) {
      const hasTraining = group.series.some(series => !isValidation(series));
      const hasEpochs = group.series.some(series => series.each === 'epoch');
      const lines = pictures.get(group.name) ?? [];
      pictures.set(group.name, lines);
      for (const series of group.series) {
        const isBatch = series.each === 'batch';
        if (isBatch && hasEpochs && !isAlone) {
          continue;
        }
        const isVal = isValidation(series);
        const index =
          best?.metric === series.name ? series.steps.indexOf(best.step) : -1;
        lines.push({
          label: isAlone
            ? `${series.name}${isBatch ? ' (batch)' : ''}`
            : `${name}: ${series.name}`,
          legend: isAlone
            ? undefined
            : !isVal
              ? name
              : hasTraining
                ? 'val'
                : `${name} val`,
          color: isAlone ? (isVal ? 1 : 0) : place,
          isDashed: !isAlone && isVal,
          isFaint: isBatch && hasEpochs,
          best: best && index >= 0 ? { index, epoch: best.epoch } : undefined,
          xs: series.steps,
          ys: series.values
        });
      }
    }
  });
  return sorted(pictures);
}

/** The loss first and the learning rate last, whichever run named them first. */
function sorted(pictures: Map<string, ILine[]>): IPicture[] {
  const rank = (name: string) =>
    name === 'loss' ? 0 : name === 'lr' || name === 'learning_rate' ? 2 : 1;
  return [...pictures]
    .map(([name, lines]) => ({ name, lines }))
    .sort(
      (a, b) => rank(a.name) - rank(b.name) || a.name.localeCompare(b.name)
    );
}

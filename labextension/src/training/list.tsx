import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useState } from 'react';

import type { IRun } from '../server/types';
import { formatNumber } from '../ui/format';
import { stateWord } from './words';

const SHOWN_AT_FIRST = 50;

/** The runs, newest first: a tick compares, a click selects. */
export function RunList(props: {
  runs: readonly IRun[];
  selected: string;
  compared: ReadonlySet<string>;
  trans: TranslationBundle;
  onSelect(run: IRun): void;
  onCompare(run: IRun, isCompared: boolean): void;
}): ReactElement {
  const { runs, trans } = props;
  const [count, setCount] = useState(SHOWN_AT_FIRST);
  return (
    <ul className="medlab-RunList" aria-label={trans.__('Runs')}>
      {runs.slice(0, count).map(run => (
        <li
          key={run.id}
          data-run={run.id}
          className={
            run.id === props.selected
              ? 'medlab-RunRow medlab-mod-selected'
              : 'medlab-RunRow'
          }
        >
          <input
            type="checkbox"
            title={trans.__('Compare')}
            aria-label={trans.__('Compare %1', run.name)}
            checked={props.compared.has(run.id)}
            onChange={event => props.onCompare(run, event.target.checked)}
          />
          <button
            aria-pressed={run.id === props.selected}
            title={run.id}
            onClick={() => props.onSelect(run)}
          >
            <span className={`medlab-StateDot medlab-mod-${run.state}`} />
            <span className="medlab-RunRow-name">{run.name}</span>
            <span className="medlab-RunRow-facts">{factsOf(run, trans)}</span>
          </button>
        </li>
      ))}
      {runs.length > count && (
        <li>
          <button
            className="medlab-Button"
            onClick={() => setCount(count + 200)}
          >
            {trans.__('Show older runs')}
          </button>
        </li>
      )}
    </ul>
  );
}

function factsOf(run: IRun, trans: TranslationBundle): string {
  const facts = [stateWord(run.state, trans)];
  if (run.epoch > 0) {
    facts.push(run.epochs ? `${run.epoch}/${run.epochs}` : String(run.epoch));
  }
  const dice = run.metrics.val_dice ?? run.metrics.dice;
  if (typeof dice === 'number') {
    facts.push(trans.__('Dice %1', formatNumber(dice, 3)));
  } else if (typeof run.loss === 'number') {
    facts.push(trans.__('loss %1', formatNumber(run.loss, 3)));
  }
  facts.push(new Date(run.created * 1000).toLocaleString([], TIME));
  return facts.join(' · ');
}

const TIME: Intl.DateTimeFormatOptions = {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit'
};

import type { TranslationBundle } from '@jupyterlab/translation';
import { Fragment, type ReactElement } from 'react';

import type { IRun } from '../server/types';
import { formatNumber } from '../ui/format';
import { differencesOf } from './differences';
import type { RunTail } from './tail';
import { stateWord } from './words';

/** A run on show, with its name among those it is compared with. */
export interface ICompared {
  run: IRun;
  name: string;
  tail: RunTail;
}

/** How runs ended, and the settings in which their recipes differ. */
export function Comparison(props: {
  runs: readonly ICompared[];
  trans: TranslationBundle;
  onEnd(): void;
}): ReactElement {
  const { runs, trans } = props;
  const recipes = runs.map(({ name, tail }) => ({
    name,
    recipe: tail.recipe ?? null
  }));
  const isKnown = runs.every(({ tail }) => tail.recipe !== undefined);
  const without = runs.filter(({ tail }) => tail.recipe === null);
  const rows = differencesOf(recipes);
  return (
    <section
      className="medlab-Comparison"
      aria-label={trans.__('Comparison of runs')}
    >
      <header>
        <h4>{trans.__('Comparison')}</h4>
        <button className="medlab-Button" onClick={() => props.onEnd()}>
          {trans.__('End comparison')}
        </button>
      </header>
      <div className="medlab-Comparison-table" tabIndex={0} role="group">
        <table>
          <thead>
            <tr>
              <th scope="col">{trans.__('Setting')}</th>
              {runs.map(({ run, name }, place) => (
                <th key={run.id} scope="col" title={run.id}>
                  <span
                    className="medlab-Legend-key"
                    style={{ borderColor: `var(--medlab-curve-${place % 6})` }}
                  />
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Row
              name={trans.__('State')}
              values={runs.map(({ run, tail }) =>
                stateWord(tail.status?.state ?? run.state, trans)
              )}
            />
            <Row
              name={trans.__('Best')}
              values={runs.map(({ tail }) => bestWords(tail, trans))}
            />
            {rows.map(({ setting, values }) => (
              <Row key={setting} name={setting} values={values} isSetting />
            ))}
          </tbody>
        </table>
      </div>
      {!isKnown && (
        <p className="medlab-Panel-note" role="status">
          {trans.__('Reading the recipes…')}
        </p>
      )}
      {isKnown && without.length > 0 && (
        <p className="medlab-Panel-note">
          {trans.__(
            'No recipe: %1. It was started without one, or its folder is damaged.',
            without.map(({ name }) => name).join(', ')
          )}
        </p>
      )}
      {isKnown && without.length === 0 && rows.length === 0 && (
        <p className="medlab-Panel-note">
          {trans.__('The recipes are the same.')}
        </p>
      )}
    </section>
  );
}

function Row(props: {
  name: string;
  values: readonly string[];
  isSetting?: boolean;
}): ReactElement {
  return (
    <tr>
      <th scope="row">
        {props.isSetting ? <SettingName name={props.name} /> : props.name}
      </th>
      {props.values.map((value, place) => (
        <td key={place} title={value.length > 60 ? value : undefined}>
          {value.length > 60 ? `${value.slice(0, 57)}…` : value}
        </td>
      ))}
    </tr>
  );
}

/** The name of a setting; a narrow column breaks it between its words. */
function SettingName(props: { name: string }): ReactElement {
  return (
    <code>
      {props.name.split(/(?<=[._])/).map((part, place) => (
        <Fragment key={place}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </code>
  );
}

function bestWords(tail: RunTail, trans: TranslationBundle): string {
  const { best } = tail.history;
  return best
    ? trans.__(
        '%1 %2 (epoch %3)',
        best.metric,
        formatNumber(best.value),
        best.epoch
      )
    : '—';
}

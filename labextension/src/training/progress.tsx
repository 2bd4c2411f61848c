import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useEffect, useState } from 'react';

import type { IRunAlert, IRunStatus, RunState } from '../server/types';
import { factsOf, isStarving, starvingWords } from './facts';
import type { RunTail } from './tail';
import { alertTitle, stateWord } from './words';

/** The state of a run as a small coloured word. */
export function StateBadge(props: {
  state: RunState;
  trans: TranslationBundle;
}): ReactElement {
  return (
    <span className={`medlab-StateBadge medlab-mod-${props.state}`}>
      {stateWord(props.state, props.trans)}
    </span>
  );
}

/** What a person should know at once; stays until its cause is gone. */
export function AlertBanner(props: {
  alert: IRunAlert;
  trans: TranslationBundle;
}): ReactElement {
  const { alert, trans } = props;
  const title = alertTitle(alert, trans);
  return (
    <div className="medlab-RunAlert" role="alert" data-code={alert.code}>
      {title && <strong>{title}</strong>}
      <p>{alert.message}</p>
    </div>
  );
}

/** How far the run is, and whether something holds it up. */
export function Progress(props: {
  tail: RunTail;
  status: IRunStatus;
  trans: TranslationBundle;
}): ReactElement {
  const { tail, status, trans } = props;
  const isCompiling = status.state === 'compiling';
  useTicking(isCompiling);
  const { step = 0 } = status;
  const total = (status.steps_per_epoch ?? 0) * (status.epochs ?? 0);
  const facts = factsOf(status, tail.inState_s, trans);
  return (
    <div className="medlab-RunProgress">
      <progress
        max={total || 1}
        value={isCompiling ? undefined : Math.min(step, total || 1)}
        aria-label={trans.__('Progress of the training')}
      />
      <div className="medlab-RunProgress-facts">{facts.join(' · ')}</div>
      {isStarving(status) && (
        <p className="medlab-RunProgress-hint">{starvingWords(trans)}</p>
      )}
    </div>
  );
}

/** Draws once a second, as long as something counts seconds. */
function useTicking(isOn: boolean): void {
  const [, tick] = useState(0);
  useEffect(() => {
    if (!isOn) {
      return;
    }
    const timer = window.setInterval(() => tick(count => count + 1), 1000);
    return () => window.clearInterval(timer);
  }, [isOn]);
}

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import type { IServer } from '../server/connection';
import type { IRun, IRunStatus } from '../server/types';
import { Comparison, type ICompared } from './comparison';
import { Curves } from './curves';
import { Exports } from './exports';
import { picturesOf } from './lines';
import { Output } from './output';
import { Preview } from './preview';
import { AlertBanner, Progress, StateBadge } from './progress';
import { Steering } from './steering';
import type { RunTail } from './tail';
import { chartMarks } from './words';

export interface IDetailProps {
  server: IServer;
  run: IRun;
  tail: RunTail;
  /** The run itself first, then those it is compared with. */
  compared: readonly ICompared[];
  isLog: boolean;
  onLog(isLog: boolean): void;
  onEndComparison(): void;
  trans: TranslationBundle;
}

/** Everything about one run. */
export function RunDetail(props: IDetailProps): ReactElement {
  const { run, tail, trans, server } = props;
  const status: IRunStatus = { ...run, ...tail.status };
  const pictures = picturesOf(
    props.compared.map(({ name, tail }) => ({ name, history: tail.history }))
  );
  const alert = status.alert ?? null;
  const message = status.message || tail.history.message;
  return (
    <div className="medlab-RunDetail">
      <header className="medlab-RunDetail-head">
        <h3 title={run.id}>{run.name}</h3>
        <StateBadge state={status.state} trans={trans} />
      </header>
      {alert && <AlertBanner key={alert.code} alert={alert} trans={trans} />}
      <Progress tail={tail} status={status} trans={trans} />
      <Steering
        key={`${run.id}-steering`}
        tail={tail}
        status={status}
        trans={trans}
      />
      {message && message !== alert?.message && (
        <p className={`medlab-RunDetail-message medlab-mod-${status.state}`}>
          {message}
        </p>
      )}
      {tail.error && (
        <p className="medlab-RunDetail-message medlab-mod-failed" role="alert">
          {tail.error.message}
        </p>
      )}
      {props.compared.length > 1 && (
        <Comparison
          runs={props.compared}
          trans={trans}
          onEnd={props.onEndComparison}
        />
      )}
      <Curves
        pictures={pictures}
        marks={chartMarks(tail.history.marks, trans)}
        isLog={props.isLog}
        onLog={props.onLog}
        trans={trans}
      />
      <Preview
        key={run.id}
        server={server}
        run={run.id}
        previews={tail.history.previews}
        trans={trans}
      />
      <Exports
        key={`${run.id}-exports`}
        server={server}
        run={run.id}
        name={run.name}
        trans={trans}
      />
      <Output
        key={`${run.id}-log`}
        server={server}
        run={run.id}
        trans={trans}
      />
    </div>
  );
}

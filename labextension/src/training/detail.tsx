import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import { formatDuration } from '../ui/format';
import type { IServer } from '../server/connection';
import type { IRun, IRunStatus, RunCommand, RunState } from '../server/types';
import { Curves } from './curves';
import { picturesOf } from './lines';
import { Output } from './output';
import { Preview } from './preview';
import { isEnded, type RunTail } from './tail';
import { commandWords, stateWord } from './words';

export interface IDetailProps {
  server: IServer;
  run: IRun;
  tail: RunTail;
  /** The run itself first, then those it is compared with. */
  compared: readonly { name: string; tail: RunTail }[];
  isLog: boolean;
  onLog(isLog: boolean): void;
  trans: TranslationBundle;
}

/** Everything about one run. */
export function RunDetail(props: IDetailProps): ReactElement {
  const { run, tail, trans, server } = props;
  const status: IRunStatus = { ...run, ...tail.status };
  const pictures = picturesOf(
    props.compared.map(({ name, tail }) => ({ name, history: tail.history }))
  );
  const message = status.message || tail.history.message;
  return (
    <div className="medlab-RunDetail">
      <header className="medlab-RunDetail-head">
        <h3 title={run.id}>{run.name}</h3>
        <StateBadge state={status.state} trans={trans} />
      </header>
      <Progress status={status} trans={trans} />
      <Controls tail={tail} state={status.state} trans={trans} />
      {message && (
        <p className={`medlab-RunDetail-message medlab-mod-${status.state}`}>
          {message}
        </p>
      )}
      {tail.error && (
        <p className="medlab-RunDetail-message medlab-mod-failed" role="alert">
          {tail.error.message}
        </p>
      )}
      <Curves
        pictures={pictures}
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
      <Output
        key={`${run.id}-log`}
        server={server}
        run={run.id}
        trans={trans}
      />
    </div>
  );
}

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

function Progress(props: {
  status: IRunStatus;
  trans: TranslationBundle;
}): ReactElement {
  const { status, trans } = props;
  const { step = 0, epoch = 0, eta_s } = status;
  const total = (status.steps_per_epoch ?? 0) * (status.epochs ?? 0);
  const facts = [
    status.epochs
      ? trans.__('epoch %1 of %2', epoch, status.epochs)
      : trans.__('epoch %1', epoch),
    total > 0
      ? trans.__('step %1 of %2', step, total)
      : trans.__('step %1', step)
  ];
  if (typeof eta_s === 'number' && !isEnded(status.state)) {
    facts.push(trans.__('%1 to go', formatDuration(eta_s)));
  }
  return (
    <div className="medlab-RunProgress">
      <progress
        max={total || 1}
        value={Math.min(step, total || 1)}
        aria-label={trans.__('Progress of the training')}
      />
      <div className="medlab-RunProgress-facts">{facts.join(' · ')}</div>
    </div>
  );
}

/** Which commands make sense in a state. */
export function commandsFor(state: RunState): RunCommand[] {
  if (isEnded(state)) {
    return [];
  }
  if (state === 'stopping') {
    return [];
  }
  return state === 'paused'
    ? ['resume', 'stop', 'checkpoint']
    : ['pause', 'stop', 'checkpoint'];
}

function Controls(props: {
  tail: RunTail;
  state: RunState;
  trans: TranslationBundle;
}): ReactElement | null {
  const { tail, state, trans } = props;
  const { command } = tail;
  if (isEnded(state) && command?.state !== 'refused') {
    return null;
  }
  const useful = commandsFor(state);
  const isWaiting = command?.state === 'requested';
  const first: RunCommand = state === 'paused' ? 'resume' : 'pause';
  return (
    <div className="medlab-RunControls-row">
      {([first, 'stop', 'checkpoint'] as const).map(cmd => (
        <button
          key={cmd}
          className="medlab-Button"
          data-command={cmd}
          disabled={!useful.includes(cmd) || (isWaiting && command.cmd === cmd)}
          onClick={() => void tail.ask(cmd)}
        >
          {commandWords(cmd, trans).label}
        </button>
      ))}
      <span
        className="medlab-RunControls-said"
        data-state={command?.state}
        aria-live="polite"
      >
        {command && answerTo(command, trans)}
      </span>
    </div>
  );
}

function answerTo(
  command: NonNullable<RunTail['command']>,
  trans: TranslationBundle
): string {
  const words = commandWords(command.cmd, trans);
  switch (command.state) {
    case 'requested':
      return words.requested;
    case 'acknowledged':
      return words.done;
    default:
      return command.message;
  }
}

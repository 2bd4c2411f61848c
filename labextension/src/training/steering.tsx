import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useId, useState } from 'react';

import type { IRunStatus, RunCommand, RunState } from '../server/types';
import { formatNumber } from '../ui/format';
import {
  baseRate,
  currentRate,
  readEpochs,
  readRate,
  type Typed
} from './settings';
import { isEnded, type RunTail } from './tail';
import { commandWords } from './words';

/** Which commands make sense in a state. */
export function commandsFor(state: RunState): RunCommand[] {
  if (isEnded(state) || state === 'stopping') {
    return [];
  }
  return state === 'paused'
    ? ['resume', 'stop', 'checkpoint', 'set']
    : ['pause', 'stop', 'checkpoint', 'set'];
}

/** Pause, resume, stop, checkpoint, and the settings that may change meanwhile. */
export function Steering(props: {
  tail: RunTail;
  status: IRunStatus;
  trans: TranslationBundle;
}): ReactElement | null {
  const { tail, status, trans } = props;
  const { state } = status;
  const { command } = tail;
  if (isEnded(state) && command?.state !== 'refused') {
    return null;
  }
  const useful = commandsFor(state);
  const isWaiting = command?.state === 'requested';
  const first: RunCommand = state === 'paused' ? 'resume' : 'pause';
  return (
    <div className="medlab-RunControls">
      <div className="medlab-RunControls-row">
        {([first, 'stop', 'checkpoint'] as const).map(cmd => (
          <button
            key={cmd}
            className="medlab-Button"
            data-command={cmd}
            disabled={
              !useful.includes(cmd) || (isWaiting && command.cmd === cmd)
            }
            onClick={() => void tail.ask(cmd)}
          >
            {commandWords(cmd, trans).label}
          </button>
        ))}
      </div>
      {useful.includes('set') && (
        <div className="medlab-RunControls-row">
          <RateField tail={tail} trans={trans} />
          <EpochsField tail={tail} status={status} trans={trans} />
        </div>
      )}
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

function RateField(props: {
  tail: RunTail;
  trans: TranslationBundle;
}): ReactElement {
  const { tail, trans } = props;
  const base = baseRate(tail.history, tail.recipe ?? null);
  const now = currentRate(tail.history);
  return (
    <SettingField
      label={trans.__('Learning rate')}
      name="learning_rate"
      now={base === null ? '' : formatNumber(base)}
      hint={
        now !== null &&
        base !== null &&
        formatNumber(now) !== formatNumber(base)
          ? trans.__('The schedule made it %1.', formatNumber(now))
          : ''
      }
      problem={trans.__('A number above 0, such as 0.001.')}
      read={readRate}
      tail={tail}
      trans={trans}
    />
  );
}

function EpochsField(props: {
  tail: RunTail;
  status: IRunStatus;
  trans: TranslationBundle;
}): ReactElement {
  const { tail, status, trans } = props;
  const begun = Math.max(1, status.epoch ?? 1);
  return (
    <SettingField
      label={trans.__('Epochs in all')}
      name="epochs"
      now={status.epochs ? String(status.epochs) : ''}
      hint=""
      problem={trans.__('A whole number, %1 or more.', begun)}
      read={text => readEpochs(text, begun)}
      tail={tail}
      trans={trans}
    />
  );
}

/** A number that may change while the run trains; asks only for what it could be. */
function SettingField(props: {
  label: string;
  name: 'learning_rate' | 'epochs';
  /** What holds now. */
  now: string;
  hint: string;
  problem: string;
  read(text: string): Typed;
  tail: RunTail;
  trans: TranslationBundle;
}): ReactElement {
  const { tail, name, trans } = props;
  const id = useId();
  // Null shows what holds now; a wrong value stays until it is mended or given up.
  const [typed, setTyped] = useState<string | null>(null);
  const [isWrong, setWrong] = useState(false);
  const send = () => {
    const found = props.read(typed ?? props.now);
    setWrong('problem' in found);
    if ('value' in found) {
      setTyped(null);
      void tail.ask('set', { [name]: found.value });
    }
  };
  const said = isWrong ? props.problem : props.hint;
  return (
    <form
      className="medlab-Setting"
      data-setting={name}
      noValidate
      onSubmit={event => {
        event.preventDefault();
        send();
      }}
    >
      <label htmlFor={id}>{props.label}</label>
      <input
        id={id}
        className="medlab-Input"
        inputMode="decimal"
        autoComplete="off"
        value={typed ?? props.now}
        aria-invalid={isWrong}
        aria-describedby={said ? `${id}-said` : undefined}
        onChange={event => {
          setTyped(event.target.value);
          setWrong(false);
        }}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            setTyped(null);
            setWrong(false);
          }
        }}
      />
      <button
        className="medlab-Button"
        disabled={typed === null || typed === props.now}
        aria-label={trans.__('Set %1', props.label)}
      >
        {trans.__('Set')}
      </button>
      {said && (
        <span
          id={`${id}-said`}
          className="medlab-Setting-said"
          role={isWrong ? 'alert' : undefined}
        >
          {said}
        </span>
      )}
    </form>
  );
}

function answerTo(
  command: NonNullable<RunTail['command']>,
  trans: TranslationBundle
): string {
  const words = commandWords(command.cmd, trans, command.args);
  switch (command.state) {
    case 'requested':
      return words.requested;
    case 'acknowledged':
      return words.done;
    default:
      return command.message;
  }
}

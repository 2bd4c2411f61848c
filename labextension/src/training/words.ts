import type { TranslationBundle } from '@jupyterlab/translation';

import type { RunCommand, RunState } from '../server/types';
import { formatNumber } from '../ui/format';
import { glyphOf, type IChartMark, type IMark } from './marks';

/** What words are asked of: JupyterLab's translations, or plain English. */
export type Words = Pick<TranslationBundle, '__'>;

/** English, for pages without translations (the notebook widget). */
export const ENGLISH: Words = {
  __: (text: string, ...values: unknown[]) =>
    text.replace(/%(\d)/g, (_, place) => String(values[Number(place) - 1]))
};

/** The state of a run in the reader's language. */
export function stateWord(state: RunState, trans: Words): string {
  const words: Record<RunState, string> = {
    queued: trans.__('queued'),
    compiling: trans.__('compiling'),
    running: trans.__('running'),
    validating: trans.__('validating'),
    paused: trans.__('paused'),
    stopping: trans.__('stopping'),
    finished: trans.__('finished'),
    stopped: trans.__('stopped'),
    failed: trans.__('failed'),
    lost: trans.__('lost')
  };
  return words[state] ?? state;
}

/** What a button says, and what is said while the trainer has not acted yet. */
export function commandWords(
  cmd: RunCommand,
  trans: Words,
  args: Record<string, unknown> = {}
): { label: string; requested: string; done: string } {
  switch (cmd) {
    case 'pause':
      return {
        label: trans.__('Pause'),
        requested: trans.__('Pause requested…'),
        done: trans.__('Pause acknowledged.')
      };
    case 'resume':
      return {
        label: trans.__('Resume'),
        requested: trans.__('Resume requested…'),
        done: trans.__('Resume acknowledged.')
      };
    case 'stop':
      return {
        label: trans.__('Stop'),
        requested: trans.__('Stop requested…'),
        done: trans.__('Stop acknowledged.')
      };
    case 'checkpoint':
      return {
        label: trans.__('Checkpoint'),
        requested: trans.__('Checkpoint requested…'),
        done: trans.__('Checkpoint acknowledged.')
      };
    default: {
      const change = changeWords(args, trans);
      return {
        label: trans.__('Set'),
        requested: trans.__('%1 requested…', change),
        done: trans.__('%1 acknowledged.', change)
      };
    }
  }
}

/** A mark on a curve in the reader's words: what, at which step, when. */
export function markWords(mark: IMark, trans: Words): string {
  const facts = [deedWords(mark, trans)];
  facts.push(trans.__('epoch %1, step %2', mark.epoch, mark.step));
  if (mark.t) {
    facts.push(new Date(mark.t * 1000).toLocaleTimeString());
  }
  if (mark.undone) {
    facts.push(trans.__('before the run went on from an earlier step'));
  }
  return facts.join(' · ');
}

/** The marks of a run as a chart shows them. */
export function chartMarks(
  marks: readonly IMark[],
  trans: Words
): IChartMark[] {
  return marks.map(mark => ({
    x: mark.step,
    glyph: glyphOf(mark),
    text: markWords(mark, trans),
    isAlert: mark.cmd === 'alert',
    isFaint: mark.undone
  }));
}

/** The name of an alert, for its banner. */
export function alertWord(code: string, trans: Words): string {
  switch (code) {
    case 'disk-full':
      return trans.__('The disk is full');
    case 'disk-failed':
      return trans.__('The disk refuses');
    case 'not-finite':
      return trans.__('The loss is no number any more');
    case 'out-of-memory':
      return trans.__('Out of memory');
    default:
      return trans.__('Something needs attention');
  }
}

/** The title of an alert's banner; empty where its message begins with the same. */
export function alertTitle(
  alert: { code: string; message: string },
  trans: Words
): string {
  const word = alertWord(alert.code, trans);
  return alert.message.startsWith(word) ? '' : word;
}

function deedWords(mark: IMark, trans: Words): string {
  switch (mark.cmd) {
    case 'pause':
      return trans.__('Paused');
    case 'resume':
      return trans.__('Resumed');
    case 'stop':
      return trans.__('Stopped');
    case 'checkpoint':
      return trans.__('Checkpoint saved');
    case 'set':
      return changeWords(mark.args ?? {}, trans);
    case 'resumed':
      return trans.__('Went on from a checkpoint');
    case 'alert':
      return alertWord(mark.code ?? '', trans);
    default:
      return mark.cmd;
  }
}

function changeWords(args: Record<string, unknown>, trans: Words): string {
  const words = Object.entries(args).map(([name, value]) => {
    const shown =
      typeof value === 'number' ? formatNumber(value) : String(value);
    switch (name) {
      case 'learning_rate':
        return trans.__('Learning rate %1', shown);
      case 'epochs':
        return trans.__('%1 epochs', shown);
      default:
        return `${name} ${shown}`;
    }
  });
  return words.join(', ');
}

import type { TranslationBundle } from '@jupyterlab/translation';

import type { RunCommand, RunState } from '../server/types';

/** The state of a run in the reader's language. */
export function stateWord(state: RunState, trans: TranslationBundle): string {
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
  trans: TranslationBundle
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
    default:
      return { label: cmd, requested: cmd, done: cmd };
  }
}

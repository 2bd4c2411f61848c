import type { ISegment, SegmentState } from '../../server/types';

import type { IconName } from '../icons';
import type { Translate } from '../translate';

export interface IStateChoice {
  state: SegmentState;
  icon: IconName;
  /** Before translation. */
  words: string;
}

/** How far the work on a segment is: a shape and a word each, never colour alone. */
export const STATES: readonly IStateChoice[] = [
  { state: 'not-started', icon: 'circle', words: 'not started' },
  { state: 'in-progress', icon: 'halfCircle', words: 'in progress' },
  { state: 'completed', icon: 'check', words: 'completed' },
  { state: 'flagged', icon: 'flag', words: 'flagged' }
];

export function choiceOf(state: SegmentState): IStateChoice {
  return STATES.find(choice => choice.state === state) ?? STATES[0];
}

/** The state after this one; the last is followed by the first. */
export function stateAfter(state: SegmentState): SegmentState {
  const at = STATES.indexOf(choiceOf(state));
  return STATES[(at + 1) % STATES.length].state;
}

/** `3 of 7 completed, 1 flagged`; empty while nothing is. */
export function summary(
  segments: readonly Pick<ISegment, 'state'>[],
  trans: Translate
): string {
  const count = (state: SegmentState) =>
    segments.filter(segment => segment.state === state).length;
  const completed = count('completed');
  const flagged = count('flagged');
  const parts = [];
  if (completed > 0 || count('in-progress') > 0) {
    parts.push(trans('%1 of %2 completed', completed, segments.length));
  }
  if (flagged > 0) {
    parts.push(trans('%1 flagged', flagged));
  }
  return parts.join(', ');
}

import type { ISegment } from '../../server/types';

import type { Translate } from '../translate';

import type { IBarContent } from './accept_bar';
import type { PreviewState } from './live_preview';
import { countWords, sparedWords } from './words';

/** What the bar is to say beyond the state of the preview. */
export interface IBarPlace {
  trans: Translate;
  /** Segments of the layer, and those the preview would add. */
  segments: readonly ISegment[];
  /** What is needed before a preview can be asked for; empty for nothing. */
  missing: string;
  /** Nobody has asked yet, and nobody does by itself. */
  waitsToBeAsked: boolean;
}

/** What the bar shows for a preview that is not being worked out; null for nothing. */
export function barContent(
  state: PreviewState,
  { trans, segments, missing, waitsToBeAsked }: IBarPlace
): IBarContent | null {
  switch (state.kind) {
    case 'shown':
      return {
        words: countWords(state.count, segments.map(shortened), trans),
        title: countWords(state.count, segments, trans),
        detail: state.message,
        primary: 'apply',
        secondary: 'discard'
      };
    case 'empty': {
      const spared = state.count ? sparedWords(state.count.spared, trans) : [];
      const words = state.message || trans('Nothing would change.');
      return { words, detail: spared.join('; '), secondary: 'close' };
    }
    case 'failed':
      return {
        ...{ words: state.sentence, isAlert: true, secondary: 'close' },
        ...(state.mayRetry ? { primary: 'preview' } : {})
      };
    case 'outdated':
      return {
        words: trans('The labels have changed: ask for the preview again.'),
        ...{ primary: 'preview', secondary: 'close' }
      };
    default:
      if (missing) {
        return { words: missing, secondary: 'close' };
      }
      return waitsToBeAsked
        ? {
            words: trans('Ask for a preview when all is set.'),
            ...{ primary: 'preview', secondary: 'close' }
          }
        : null;
  }
}

const LONGEST = 28;

function shortened(segment: ISegment): ISegment {
  const letters = [...segment.name];
  return letters.length > LONGEST
    ? { ...segment, name: `${letters.slice(0, LONGEST - 1).join('')}…` }
    : segment;
}

import { EFFECTS, type IEffect } from '../effects/registry';
import type { IAction } from './actions';

function effectAction({ id, words, key, icon }: IEffect): IAction {
  return {
    ...{ id: `effect-${id}`, words, key, icon },
    group: 'effect',
    draws: true,
    run: ({ effects }) => effects.start(id),
    isOn: ({ effects }) => effects.current === id
  };
}

/** What works on whole segments, with a preview to accept. */
export const EFFECT_ACTIONS: readonly IAction[] = EFFECTS.map(effectAction);

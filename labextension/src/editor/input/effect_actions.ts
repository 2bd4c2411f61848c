import type { IconName } from '../icons';
import type { IAction } from './actions';

function effect(
  name: string,
  words: string,
  key: string,
  icon: IconName
): IAction {
  return {
    ...{ id: `effect-${name}`, words, key, icon },
    group: 'effect',
    draws: true,
    run: ({ effects }) => effects.start(name),
    isOn: ({ effects }) => effects.current === name
  };
}

/** What works on whole segments, with a preview to accept. */
export const EFFECT_ACTIONS: readonly IAction[] = [
  effect('threshold', 'Threshold', 'Shift+T', 'thresholdRange'),
  effect('seeds', 'Grow from seeds', 'Shift+G', 'seeds'),
  effect('between', 'Fill between slices', 'Shift+B', 'between'),
  effect('islands', 'Islands', 'Shift+I', 'islands'),
  effect('margin', 'Margin', 'Shift+M', 'margin'),
  effect('smooth', 'Smooth', 'Shift+S', 'smooth'),
  effect('hollow', 'Hollow', 'Shift+H', 'hollow'),
  effect('logic', 'Logical operations', 'Shift+L', 'logic'),
  effect('model', 'Pre-segment with model', 'Shift+P', 'model'),
  effect(
    'copy-previous',
    'Copy from previous slice',
    'Shift+C',
    'copyPrevious'
  ),
  effect('copy-next', 'Copy from next slice', 'Shift+V', 'copyNext')
];

import type { IconName } from '../icons';
import type { IAction, IActionTarget } from './actions';

type Run = (target: IActionTarget) => boolean | void;

function segment(
  id: string,
  words: string,
  key: string,
  run: Run,
  icon?: IconName
): IAction {
  return { id, words, key, group: 'segment', icon, draws: true, run };
}

function choose(number: number): IAction {
  return segment(
    `segment-${number}`,
    `Choose segment ${number}`,
    String(number),
    ({ segments }) => segments.choose(number - 1)
  );
}

function setting(
  id: string,
  words: string,
  key: string,
  run: Run,
  more: Partial<IAction> = {}
): IAction {
  return { id, words, key, group: 'setting', draws: true, run, ...more };
}

/** What is done to segments, to the settings of the tools, and to the history. */
export const SEGMENT_ACTIONS: readonly IAction[] = [
  segment('segment-add', 'New segment', 'n', t => t.segments.add(), 'plus'),
  segment('segment-previous', 'Previous segment', ',', t =>
    t.segments.step(-1)
  ),
  segment('segment-next', 'Next segment', '.', t => t.segments.step(1)),
  segment(
    'segment-lock',
    'Lock or unlock the segment',
    'j',
    t => t.segments.toggleLock(),
    'lock'
  ),
  segment(
    'segment-visible',
    'Hide or show the segment',
    'Shift+J',
    t => t.segments.toggleVisible(),
    'eye'
  ),
  segment(
    'segment-state',
    'Next state of the segment',
    'y',
    t => t.segments.nextState(),
    'flag'
  ),
  segment(
    'segment-statistics',
    'Statistics of the segments',
    'Shift+Q',
    t => t.segments.statistics(),
    'statistics'
  ),
  segment(
    'segment-only',
    'Show only this segment, or all',
    'Shift+O',
    t => t.segments.showOnly(),
    'only'
  ),
  segment(
    'segment-middle',
    'Go to the middle of the segment',
    'Shift+F',
    t => t.segments.goToMiddle(),
    'crosshair'
  ),
  segment(
    'segment-slice-next',
    'Next slice with the segment',
    'Shift+PageUp',
    t => t.segments.goToSlice(1),
    'right'
  ),
  segment(
    'segment-slice-previous',
    'Previous slice with the segment',
    'Shift+PageDown',
    t => t.segments.goToSlice(-1),
    'left'
  ),
  ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map(choose),
  setting(
    'size-down',
    'Smaller brush, or less of the preview',
    '[',
    ({ tools, context }) => {
      if (!tools.adjust(-1)) {
        context.settings.resizeBrush(-1);
      }
    }
  ),
  setting(
    'size-up',
    'Larger brush, or more of the preview',
    ']',
    ({ tools, context }) => {
      if (!tools.adjust(1)) {
        context.settings.resizeBrush(1);
      }
    }
  ),
  setting(
    'sphere',
    'Sphere through the slices, or disc in one',
    's',
    ({ context: { settings } }) => {
      const { isBall, isThrough } = settings.values;
      settings.set(
        settings.hasBrush ? { isBall: !isBall } : { isThrough: !isThrough }
      );
    },
    { icon: 'ball', isOn: ({ context }) => context.settings.values.isBall }
  ),
  setting(
    'range-mask',
    'Paint in an intensity range only',
    'm',
    ({ context: { settings } }) =>
      settings.set({ isRangeMasked: !settings.values.isRangeMasked }),
    {
      icon: 'range',
      isOn: ({ context }) => context.settings.values.isRangeMasked
    }
  ),
  setting(
    'overwrites',
    'What may be painted over',
    'o',
    ({ context }) => context.settings.nextOverwrites(),
    { icon: 'shield' }
  ),
  {
    ...{ id: 'undo', words: 'Undo', key: 'Ctrl+Z', icon: 'undo' },
    ...{ group: 'history', draws: true },
    run: ({ context }) => context.session.undo(),
    isEnabled: ({ context }) => context.session.canUndo
  },
  {
    ...{ id: 'redo', words: 'Redo', key: 'Ctrl+Shift+Z Ctrl+Y', icon: 'redo' },
    ...{ group: 'history', draws: true },
    run: ({ context }) => context.session.redo(),
    isEnabled: ({ context }) => context.session.canRedo
  },
  {
    ...{ id: 'save', words: 'Save to a file', key: 'Ctrl+S', icon: 'save' },
    ...{ group: 'history', draws: true },
    run: target => target.save()
  }
];

import type { IEditorContext } from '../context';
import type { IconName } from '../icons';
import type { Emitter } from '../emitter';
import { type IToolChoice, TOOLS } from '../tools/registry';
import { EFFECT_ACTIONS } from './effect_actions';
import { MARK_ACTIONS } from './mark_actions';
import { SEGMENT_ACTIONS } from './segment_actions';
import { VIEW_ACTIONS } from './view_actions';

/** What belongs together in the toolbar, the palette and the list of keys. */
export type ActionGroup =
  | IToolChoice['group']
  | 'setting'
  | 'effect'
  | 'segment'
  | 'history'
  | 'view'
  | 'pointer';

/** What the actions are done to: an editor, with the parts it was built of. */
export interface IActionTarget {
  readonly context: IEditorContext;
  /** A tool, an effect, the history: something that buttons show has changed. */
  readonly changed: Emitter<void>;
  readonly tools: IToolCommands;
  readonly segments: ISegmentCommands;
  readonly marks: IMarkCommands;
  readonly effects: IEffectCommands;
  readonly pointer: IPointerCommands;
  /** `grid`, or the plane to show alone. */
  readonly layout: string;
  showLayout(layout: string): void;
  /** Writes the labels to their file; asks for one where there is none yet. */
  save(): void;
  showKeys(): void;
}

/** What is asked of the tool in the hand. */
export interface IToolCommands {
  /** It waits for more: corners of a polygon, a click on a preview. */
  readonly isBusy: boolean;
  finish(): void;
  cancel(): void;
  back(): void;
  /** More or less of what is previewed; false when there is nothing to adjust. */
  adjust(steps: number): boolean;
}

export interface ISegmentCommands {
  add(): void;
  /** Chooses by place in the list, counted from 0. */
  choose(position: number): void;
  /** Chooses the next (1) or the previous (-1) one. */
  step(by: 1 | -1): void;
  toggleLock(): void;
  toggleVisible(): void;
  nextState(): void;
  statistics(): void;
  /** Shows the segment alone, or all again. */
  showOnly(): void;
  goToMiddle(): void;
  /** To the next (1) or the previous (-1) slice that holds the segment. */
  goToSlice(towards: 1 | -1): void;
}

/** What is asked of the points, boxes, measurements and classes. */
export interface IMarkCommands {
  /** Opens the form for a class of the study, the scan or the slice. */
  addClass(): void;
  /** False when no mark is selected. */
  removeSelected(): boolean;
  toggleShown(): void;
}

export interface IEffectCommands {
  /** Opens an effect, or does it where it asks nothing. */
  start(effect: string): void;
  /** Name of the effect that is open; null for none. */
  readonly current: string | null;
  /** Does what is shown; false when nothing is. */
  accept(): boolean;
  /** Drops what is shown; false when nothing is. */
  drop(): boolean;
}

/** The pointer that the keys move, for those who use no mouse. */
export interface IPointerCommands {
  move(dx: number, dy: number): void;
  /** Presses, or lets go of what is pressed. */
  tap(): void;
  /** Lets go of what is pressed, or drops it; false when nothing is. */
  release(isKept: boolean): boolean;
}

/** One thing the reader can ask for, by key, toolbar, palette or menu. */
export interface IAction {
  readonly id: string;
  /** What it is called, before translation. */
  readonly words: string;
  /** As in `keys.ts`; blanks between several; empty for none. */
  readonly key: string;
  readonly group: ActionGroup;
  readonly icon?: IconName;
  /** It changes labels or marks: not there where one only looks. */
  readonly draws?: boolean;
  /** @returns false when there was nothing to do, so that the key means nothing */
  run(target: IActionTarget): boolean | void;
  isOn?(target: IActionTarget): boolean;
  isEnabled?(target: IActionTarget): boolean;
}

function toolAction({ tool, words, key, icon, group }: IToolChoice): IAction {
  return {
    ...{ id: tool, words, key, icon, group },
    draws: tool !== 'crosshair',
    run: ({ context }) => context.settings.set({ tool }),
    isOn: ({ context }) => context.settings.values.tool === tool
  };
}

/** Everything there is to do, in the order of toolbar and palette. */
export const ACTIONS: readonly IAction[] = [
  ...TOOLS.map(toolAction),
  ...EFFECT_ACTIONS,
  ...SEGMENT_ACTIONS,
  ...MARK_ACTIONS,
  ...VIEW_ACTIONS
];

/** The actions of these groups, in order. */
export function actionsOf(...groups: readonly ActionGroup[]): IAction[] {
  return ACTIONS.filter(({ group }) => groups.includes(group));
}

const CHOSEN: readonly ActionGroup[] = [
  ...(['paint', 'outline', 'grow', 'mark', 'measure', 'effect'] as const)
];

/** An editor may offer fewer tools and effects; all else is always there. */
export function isOffered(
  { id, group }: IAction,
  { offers }: Pick<IEditorContext, 'offers'>
): boolean {
  return !CHOSEN.includes(group) || offers(id);
}

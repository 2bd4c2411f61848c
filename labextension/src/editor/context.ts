import type { IServer } from '../server/connection';

import type { SectionName } from './bars/side_column';
import type { LabelSession } from './labels/label_session';
import type { Settings } from './settings';
import type { Translate } from './translate';
import type { Planes } from './view/planes';
import type { Scene } from './view/scene';

/** Why tools do nothing yet, before translation. */
export const NOT_YET =
  'The scan is still being read: its tools work once all slices are here.';

/**
 * What every part of an editor is given: `new Part(context)`.
 *
 * A part that shows something has a `node`, which the editor places; all have `dispose`.
 * Parts meet here and in the editor's list of actions, not in one another.
 */
export interface IEditorContext {
  readonly server: IServer;
  readonly scanId: string;
  /** The scan, its labels, where one looks and how it is coloured. */
  readonly scene: Scene;
  /** The layer that is drawn on: its edits, their history and where they are kept. */
  readonly session: LabelSession;
  readonly settings: Settings;
  readonly planes: Planes;
  /** Every word the reader sees; `%1` in it stands for the first argument. */
  readonly trans: Translate;
  /** The labels can be drawn, not just looked at. */
  readonly hasTools: boolean;
  /** Aborted when the editor goes. */
  readonly signal: AbortSignal;
  /** Colour of the segment that is drawn. */
  readonly color: string;
  /** The column at the right; the editor puts the parts' nodes into its sections. */
  readonly side: HTMLElement;

  /** Of the tools and effects: this one is there to be chosen. */
  offers(action: string): boolean;
  /** All voxels are here. */
  isReady(): boolean;
  /** A sentence below the planes, read aloud too; empty clears it. */
  notify(sentence: string, kind?: 'status' | 'alert'): void;
  /** A sentence for screen readers alone, said once the reader has paused. */
  announce(sentence: string): void;
  /** Opens a section of the side column and brings it into view. */
  showSection(name: SectionName): void;
  /** Does an action of `input/actions.ts`; false when there is none of that name. */
  run(action: string): boolean;
  /** The key of an action as the reader knows it, for a tooltip; empty without one. */
  keyOf(action: string): string;
}

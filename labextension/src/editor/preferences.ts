import type { Overwrites } from './labels/label_map';
import { untranslated, type Translate } from './translate';

/** What a reader chose in the settings for all scans. */
export interface IPreferences {
  /** By action: the keys it has instead of those it begins with. */
  readonly keys: Readonly<Record<string, string>>;
  /** Patient's left on the image's right (radiological) or on its left. */
  readonly orientation: 'radiological' | 'neurological';
  readonly overwrites: Overwrites;
  readonly brush: 'disc' | 'sphere';
  /** Per cent. */
  readonly opacity: number;
  readonly trans: Translate;
}

export const PREFERENCES: IPreferences = {
  keys: {},
  orientation: 'radiological',
  overwrites: 'visible',
  brush: 'disc',
  opacity: 50,
  trans: untranslated
};

/** An editor asks the page; whoever knows calls `receive` at once. */
export const ASK_EVENT = 'medlab-labeling-ask';
/** The settings have changed; all editors on the page hear it. */
export const TELL_EVENT = 'medlab-labeling-preferences';

export interface IAskDetail {
  receive(preferences: Partial<IPreferences>): void;
}

/**
 * What the page knows of its reader's choices and language.
 *
 * Editors live in documents and in notebooks' widgets, which know nothing of JupyterLab:
 * so the page carries both questions and answers, and where nobody answers (VS Code,
 * Colab) the defaults hold.
 */
export function askPage(): IPreferences {
  let answer: Partial<IPreferences> = {};
  const receive = (preferences: Partial<IPreferences>) => {
    answer = { ...answer, ...preferences };
  };
  document.dispatchEvent(
    new CustomEvent<IAskDetail>(ASK_EVENT, { detail: { receive } })
  );
  return { ...PREFERENCES, ...answer };
}

/** @param signal - ends the listening */
export function hearPage(
  heard: (preferences: IPreferences) => void,
  signal: AbortSignal
): void {
  document.addEventListener(TELL_EVENT, () => heard(askPage()), { signal });
}

/**
 * Answers editors with what the settings say.
 *
 * @param signal - ends the answering
 * @returns a function that tells all editors that the answer is another now
 */
export function answerPage(
  preferences: () => Partial<IPreferences>,
  signal: AbortSignal
): () => void {
  document.addEventListener(
    ASK_EVENT,
    event => (event as CustomEvent<IAskDetail>).detail.receive(preferences()),
    { signal }
  );
  return () => document.dispatchEvent(new CustomEvent(TELL_EVENT));
}

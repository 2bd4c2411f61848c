/**
 * Says a sentence in the reader's language.
 *
 * `%1`, `%2` … in the text stand for the arguments, so that a language can order them as
 * it needs: `trans('Slice %1 of %2', 3, 40)`. JupyterLab's `trans.__` reads the same form.
 */
export type Translate = (
  text: string,
  ...args: readonly (string | number)[]
) => string;

/** The text itself, its places filled in: where there is no translator. */
export const untranslated: Translate = (text, ...args) =>
  text.replace(/%(\d)/g, (place, number: string) => {
    const value = args[Number(number) - 1];
    return value === undefined ? place : String(value);
  });

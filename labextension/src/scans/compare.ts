import type { DocumentRegistry } from '@jupyterlab/docregistry';

/** More planes than these are too small to look at, and too much memory to hold. */
export const MOST_COMPARED = 6;

/** Where a scan goes that is compared: beside or below the scan at `ref`. */
export interface IPane {
  mode: DocumentRegistry.IOpenOptions['mode'];
  /** Which of the scans before it; -1 for none. */
  ref: number;
}

/**
 * Divides the main area: up to three beside one another, more in two rows.
 *
 * @param count - of the scans
 */
export function panesFor(count: number): IPane[] {
  const columns = count <= 3 ? count : Math.ceil(count / 2);
  return Array.from({ length: count }, (_, index) => {
    if (index === 0) {
      return { mode: 'tab-after', ref: -1 };
    }
    return index < columns
      ? { mode: 'split-right', ref: index - 1 }
      : { mode: 'split-bottom', ref: index - columns };
  });
}

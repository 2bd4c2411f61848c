import type { ICell } from '@jupyterlab/nbformat';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import type { PointerEvent } from 'react';

import type { IScan } from '../server/types';
import { datasetCell, loadCell } from './code';
import { folderOf, notebookAround, sourcesBefore } from './insert';

/** What notebooks accept: a list of cells. */
const CELLS_MIME = 'application/vnd.jupyter.cells';
const FAR_ENOUGH_PX = 5;

/** What a drag needs to know of the page. */
export interface IDragPage {
  tracker: INotebookTracker | null;
  contents: Contents.IManager;
  /** What follows the pointer where several scans are dragged: `3 scans`. */
  words(count: number): string;
}

/**
 * Follows a pressed pointer and starts a drag once it has moved a little.
 *
 * Dropped on a notebook, a scan becomes a cell that loads it, and several a cell that lists
 * them.
 */
export function dragScans(
  all: readonly IScan[],
  row: HTMLElement,
  press: PointerEvent,
  page: IDragPage
): void {
  const scans = all.filter(scan => !scan.error);
  if (press.button !== 0 || scans.length === 0 || !page.tracker) {
    return;
  }
  const start = { x: press.clientX, y: press.clientY };
  const pressed = new AbortController();
  const { signal } = pressed;
  const follow = (event: globalThis.PointerEvent) => {
    const far = Math.hypot(event.clientX - start.x, event.clientY - start.y);
    if (far >= FAR_ENOUGH_PX) {
      pressed.abort();
      startDrag(scans, row, event, page);
    }
  };
  document.addEventListener('pointermove', follow, { signal, capture: true });
  for (const type of ['pointerup', 'pointercancel']) {
    window.addEventListener(type, () => pressed.abort(), {
      signal,
      capture: true
    });
  }
}

function startDrag(
  scans: readonly IScan[],
  row: HTMLElement,
  event: globalThis.PointerEvent,
  { tracker, contents, words }: IDragPage
): void {
  // The path in the cell depends on the folder of the notebook it lands in: the list
  // is filled when the drop begins, on its way down to the notebook.
  const cells: Partial<ICell>[] = [];
  const mimeData = new MimeData();
  mimeData.setData(CELLS_MIME, cells);
  mimeData.setData('text/plain', scans.map(({ path }) => path).join('\n'));
  const fill = (drop: Event) => {
    const panel = tracker && notebookAround(drop.target, tracker);
    if (panel) {
      const folder = folderOf(panel, contents);
      const before = sourcesBefore(panel);
      const source =
        scans.length === 1
          ? loadCell(scans[0], folder, before)
          : datasetCell(scans, folder, before);
      cells.splice(0, Infinity, {
        cell_type: 'code',
        source,
        metadata: { trusted: true }
      });
    }
  };
  document.addEventListener('lm-drop', fill, true);
  const drag = new Drag({
    mimeData,
    dragImage: imageOf(scans.length === 1 ? nameIn(row) : words(scans.length)),
    supportedActions: 'copy-move',
    proposedAction: 'copy'
  });
  void drag.start(event.clientX, event.clientY).then(() => {
    document.removeEventListener('lm-drop', fill, true);
    drag.dispose();
  });
}

function nameIn(row: HTMLElement): string {
  return row.querySelector('.medlab-ScanRow-name')?.textContent ?? '';
}

function imageOf(words: string): HTMLElement {
  const image = document.createElement('div');
  image.className = 'medlab-DragImage';
  image.textContent = words;
  return image;
}

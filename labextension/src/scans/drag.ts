import type { ICell } from '@jupyterlab/nbformat';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';
import { MimeData } from '@lumino/coreutils';
import { Drag } from '@lumino/dragdrop';
import type { PointerEvent } from 'react';

import type { IScan } from '../server/types';
import { loadCell } from './code';
import { folderOf, notebookAround, sourcesBefore } from './insert';

/** What notebooks accept: a list of cells. */
const CELLS_MIME = 'application/vnd.jupyter.cells';
const FAR_ENOUGH_PX = 5;

/**
 * Follows a pressed pointer and starts a drag once it has moved a little.
 *
 * Dropped on a notebook, the scan becomes a cell that loads it.
 */
export function dragScan(
  scan: IScan,
  press: PointerEvent,
  tracker: INotebookTracker | null,
  contents: Contents.IManager
): void {
  if (press.button !== 0 || scan.error || !tracker) {
    return;
  }
  const start = { x: press.clientX, y: press.clientY };
  const row = press.currentTarget as HTMLElement;
  const pressed = new AbortController();
  const { signal } = pressed;
  const follow = (event: globalThis.PointerEvent) => {
    const far = Math.hypot(event.clientX - start.x, event.clientY - start.y);
    if (far >= FAR_ENOUGH_PX) {
      pressed.abort();
      startDrag(scan, row, event, tracker, contents);
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
  scan: IScan,
  row: HTMLElement,
  event: globalThis.PointerEvent,
  tracker: INotebookTracker,
  contents: Contents.IManager
): void {
  // The path in the cell depends on the folder of the notebook it lands in: the list
  // is filled when the drop begins, on its way down to the notebook.
  const cells: Partial<ICell>[] = [];
  const mimeData = new MimeData();
  mimeData.setData(CELLS_MIME, cells);
  mimeData.setData('text/plain', scan.path);
  const fill = (drop: Event) => {
    const panel = notebookAround(drop.target, tracker);
    if (panel) {
      const source = loadCell(
        scan,
        folderOf(panel, contents),
        sourcesBefore(panel)
      );
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
    dragImage: imageOf(row),
    supportedActions: 'copy-move',
    proposedAction: 'copy'
  });
  void drag.start(event.clientX, event.clientY).then(() => {
    document.removeEventListener('lm-drop', fill, true);
    drag.dispose();
  });
}

function imageOf(row: HTMLElement): HTMLElement {
  const image = document.createElement('div');
  image.className = 'medlab-DragImage';
  image.textContent =
    row.querySelector('.medlab-ScanRow-name')?.textContent ?? '';
  return image;
}

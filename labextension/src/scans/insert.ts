import {
  type INotebookTracker,
  type NotebookPanel
} from '@jupyterlab/notebook';
import type { Contents } from '@jupyterlab/services';

/** Makes the source of a cell for a notebook in `folder` with these cells before it. */
export type WriteCell = (folder: string, before: readonly string[]) => string;

/** Folder of the notebook below the Jupyter root: its kernel runs there. */
export function folderOf(
  panel: NotebookPanel,
  contents: Contents.IManager
): string {
  const path = contents.localPath(panel.context.path);
  return path.slice(0, Math.max(0, path.lastIndexOf('/')));
}

/** Sources of the code cells at places 0 to `end - 1`. */
export function sourcesBefore(panel: NotebookPanel, end?: number): string[] {
  const cells = [...(panel.content.model?.cells ?? [])].slice(0, end);
  return cells
    .filter(cell => cell.type === 'code')
    .map(cell => cell.sharedModel.getSource());
}

/**
 * Puts a code cell below the active cell and makes it the active one.
 *
 * @returns the place of the new cell, or -1 if the notebook has no content yet
 */
export function insertCell(
  panel: NotebookPanel,
  contents: Contents.IManager,
  write: WriteCell
): number {
  const notebook = panel.content;
  const { model } = notebook;
  if (!model) {
    return -1;
  }
  const place = Math.min(notebook.activeCellIndex + 1, model.cells.length);
  const source = write(folderOf(panel, contents), sourcesBefore(panel, place));
  const onlyCell = model.cells.length === 1 ? model.cells.get(0) : null;
  if (onlyCell?.type === 'code' && onlyCell.sharedModel.getSource() === '') {
    // A notebook nobody wrote in yet: its empty cell is the place.
    onlyCell.sharedModel.setSource(source);
    notebook.activeCellIndex = 0;
    return 0;
  }
  model.sharedModel.insertCell(place, {
    cell_type: 'code',
    source,
    metadata: { trusted: true }
  });
  notebook.deselectAll();
  notebook.activeCellIndex = place;
  void notebook.scrollToItem(place, 'smart').catch(() => undefined);
  return place;
}

/** The notebook that a page element is part of. */
export function notebookAround(
  element: EventTarget | null,
  tracker: INotebookTracker
): NotebookPanel | null {
  const node = element instanceof Node ? element : null;
  return (
    (node && tracker.find(panel => panel.content.node.contains(node))) ?? null
  );
}

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { IScan } from '../server/types';
import {
  annotateIcon,
  compareIcon,
  loadCellIcon,
  scansIcon,
  tagsIcon
} from '../ui/icons';
import { annotateCell, datasetCell, type IScanAddress, loadCell } from './code';
import { insertCell, type WriteCell } from './insert';
import { compareScans, openScan } from './open';
import type { ScanBrowser } from './panel';

export const CommandIDs = {
  open: 'medlab:open-scan',
  find: 'medlab:find-on-server',
  openSelected: 'medlab:open-selected-scan',
  compare: 'medlab:compare-selected-scans',
  insertLoad: 'medlab:insert-load-cell',
  insertAnnotate: 'medlab:insert-annotate-cell',
  insertDataset: 'medlab:insert-dataset-cell',
  refresh: 'medlab:refresh-scans',
  show: 'medlab:show-scans',
  tags: 'medlab:show-scan-header',
  tagsSelected: 'medlab:show-selected-scan-header'
} as const;

/** What the commands work with. */
export interface IScanContext {
  app: JupyterFrontEnd;
  trans: TranslationBundle;
  tracker: INotebookTracker | null;
  /** The panel, once it is there. */
  panel(): ScanBrowser | null;
}

const ADDRESS = {
  type: 'object',
  properties: {
    path: { type: 'string', description: 'Path below the Jupyter root' },
    series: {
      type: 'string',
      description: 'SeriesInstanceUID of a DICOM series'
    },
    frame: { type: 'number', description: 'Volume of a 4D scan, from 0' }
  }
} as const;

const NONE = { args: { type: 'object', properties: {} } } as const;

/** Commands that put cells into the notebook. Without arguments: the selected scan. */
export function addInsertCommands(context: IScanContext): void {
  const { app, trans } = context;
  const canInsert = (args: ReadonlyPartialJSONObject) =>
    context.tracker !== null && addressOf(args, context) !== null;
  const insert = async (
    args: ReadonlyPartialJSONObject,
    code: (scan: IScanAddress, ...rest: Parameters<WriteCell>) => string
  ) => {
    const scan = addressOf(args, context);
    if (scan) {
      await insertCode(context, (...rest) => code(scan, ...rest));
    }
  };
  app.commands.addCommand(CommandIDs.insertLoad, {
    label: trans.__('Insert Cell that Loads the Scan'),
    caption: trans.__('Below the active cell of the notebook'),
    icon: loadCellIcon,
    describedBy: { args: ADDRESS },
    isEnabled: canInsert,
    execute: args => insert(args, loadCell)
  });
  app.commands.addCommand(CommandIDs.insertAnnotate, {
    label: trans.__('Insert Cell that Annotates the Scan'),
    caption: trans.__('Below the active cell of the notebook'),
    icon: annotateIcon,
    describedBy: { args: ADDRESS },
    isEnabled: canInsert,
    execute: args => insert(args, annotateCell)
  });
  app.commands.addCommand(CommandIDs.insertDataset, {
    label: trans.__('Insert Cell that Lists the Selected Scans'),
    caption: trans.__('A dataset: their paths, and how to open them'),
    icon: loadCellIcon,
    describedBy: NONE,
    isEnabled: () => context.tracker !== null && chosenOf(context).length > 0,
    execute: () => insertDataset(context, chosenOf(context))
  });
}

/** Puts a cell that lists scans into the notebook. */
export function insertDataset(
  context: IScanContext,
  scans: readonly IScanAddress[]
): Promise<void> {
  return insertCode(context, (...rest) => datasetCell(scans, ...rest));
}

/** Commands of the panel itself. */
export function addPanelCommands(
  context: IScanContext,
  refresh: () => Promise<void>
): void {
  const { app, trans } = context;
  app.commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Scans'),
    describedBy: NONE,
    // The panel shows what went wrong, with a button to try again.
    execute: () => refresh().catch(() => undefined)
  });
  app.commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Scans'),
    icon: scansIcon,
    describedBy: NONE,
    execute: () => {
      const panel = context.panel();
      if (panel) {
        app.shell.activateById(panel.id);
      }
    }
  });
  app.commands.addCommand(CommandIDs.openSelected, {
    label: trans.__('Open Scan'),
    icon: scansIcon,
    describedBy: NONE,
    isEnabled: () => {
      const scan = context.panel()?.selected;
      return (
        Boolean(scan && !scan.error) && app.commands.hasCommand(CommandIDs.open)
      );
    },
    execute: () => {
      const scan = context.panel()?.selected;
      return scan ? openScan(app, trans, scan) : undefined;
    }
  });
  app.commands.addCommand(CommandIDs.compare, {
    label: trans.__('Compare Selected Scans'),
    caption: trans.__('Open them side by side'),
    icon: compareIcon,
    describedBy: NONE,
    isEnabled: () => chosenOf(context).length > 1,
    execute: () => compareScans(app, trans, chosenOf(context))
  });
  app.commands.addCommand(CommandIDs.tagsSelected, {
    label: trans.__('Show Header'),
    caption: trans.__('Every field of the scan’s header'),
    icon: tagsIcon,
    describedBy: NONE,
    isEnabled: () => Boolean(context.panel()?.selected),
    execute: () => {
      const scan = context.panel()?.selected;
      return scan
        ? app.commands.execute(CommandIDs.tags, {
            id: scan.id,
            name: scan.name
          })
        : undefined;
    }
  });
}

function chosenOf(context: IScanContext): readonly IScan[] {
  const chosen = context.panel()?.selection.chosen ?? [];
  return chosen.filter(scan => !scan.error);
}

function addressOf(
  args: ReadonlyPartialJSONObject,
  context: IScanContext
): IScanAddress | null {
  if (typeof args.path === 'string') {
    const series = typeof args.series === 'string' ? args.series : null;
    const frame = typeof args.frame === 'number' ? args.frame : null;
    return { path: args.path, series, frame };
  }
  const scan = context.panel()?.selected;
  return scan && !scan.error ? { ...scan, frame: frameOf(scan) } : null;
}

/** A 4D scan is opened volume by volume: the first one, unless another is named. */
export function frameOf(scan: IScan, frame = 0): number | null {
  return scan.frames > 1 ? frame : null;
}

async function insertCode(
  context: IScanContext,
  write: WriteCell
): Promise<void> {
  const { app } = context;
  const panel = await currentNotebook(context);
  if (panel) {
    insertCell(panel, app.serviceManager.contents, write);
    app.shell.activateById(panel.id);
  } else {
    Notification.info(context.trans.__('Open a notebook first.'));
  }
}

/** The notebook last used; a new one where none is open. */
async function currentNotebook(
  context: IScanContext
): Promise<NotebookPanel | null> {
  const { app, tracker } = context;
  let panel = tracker?.currentWidget ?? null;
  if (!panel && app.commands.hasCommand('notebook:create-new')) {
    await app.serviceManager.kernelspecs.ready;
    panel = (await app.commands.execute('notebook:create-new', {
      kernelName: app.serviceManager.kernelspecs.specs?.default,
      activate: true
    })) as NotebookPanel | null;
  }
  await panel?.context.ready;
  await panel?.revealed;
  return panel;
}

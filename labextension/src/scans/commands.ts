import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { annotateIcon, loadCellIcon, scansIcon } from '../ui/icons';
import type { IScan } from '../server/types';
import { annotateCell, type IScanAddress, loadCell } from './code';
import { insertCell, type WriteCell } from './insert';
import type { ScanBrowser } from './panel';

export const CommandIDs = {
  open: 'medlab:open-scan',
  openSelected: 'medlab:open-selected-scan',
  insertLoad: 'medlab:insert-load-cell',
  insertAnnotate: 'medlab:insert-annotate-cell',
  refresh: 'medlab:refresh-scans',
  show: 'medlab:show-scans'
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
    }
  }
} as const;

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
    const panel = scan && (await currentNotebook(context));
    if (scan && panel) {
      insertCell(panel, app.serviceManager.contents, (folder, before) =>
        code(scan, folder, before)
      );
      app.shell.activateById(panel.id);
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
}

/** Commands of the panel itself. */
export function addPanelCommands(
  context: IScanContext,
  refresh: () => Promise<void>
): void {
  const { app, trans } = context;
  const none = { args: { type: 'object', properties: {} } } as const;
  app.commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Scans'),
    describedBy: none,
    // The panel shows what went wrong, with a button to try again.
    execute: () => refresh().catch(() => undefined)
  });
  app.commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Scans'),
    icon: scansIcon,
    describedBy: none,
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
    describedBy: none,
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
}

/** Opens the scan document, and says so where that feature is switched off. */
export async function openScan(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  scan: IScan
): Promise<void> {
  if (!app.commands.hasCommand(CommandIDs.open)) {
    Notification.info(
      trans.__('The scan document is switched off in the extension manager.')
    );
    return;
  }
  const { id, path, series, name } = scan;
  await app.commands.execute(CommandIDs.open, {
    id,
    path,
    name,
    ...(series ? { series } : {})
  });
}

function addressOf(
  args: ReadonlyPartialJSONObject,
  context: IScanContext
): IScanAddress | null {
  if (typeof args.path === 'string') {
    const series = typeof args.series === 'string' ? args.series : null;
    return { path: args.path, series };
  }
  const scan = context.panel()?.selected;
  return scan && !scan.error ? scan : null;
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

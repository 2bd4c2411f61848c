import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { serverFromSettings } from '../server/lab';
import { IScanCatalog } from '../tokens';
import { ScanCatalog } from './catalog';
import {
  addInsertCommands,
  addPanelCommands,
  CommandIDs,
  type IScanContext,
  openScan
} from './commands';
import { dragScan } from './drag';
import { ScanBrowser } from './panel';

const catalog: JupyterFrontEndPlugin<IScanCatalog> = {
  id: 'medlab:scan-catalog',
  description: 'Provides the list of scans on the server.',
  autoStart: true,
  provides: IScanCatalog,
  activate: (app: JupyterFrontEnd) =>
    new ScanCatalog(serverFromSettings(app.serviceManager.serverSettings))
};

const browser: JupyterFrontEndPlugin<void> = {
  id: 'medlab:scan-browser',
  description:
    'Shows the scans in the left sidebar and puts them into notebooks.',
  autoStart: true,
  requires: [IScanCatalog],
  optional: [
    ITranslator,
    ICommandPalette,
    ILayoutRestorer,
    INotebookTracker,
    ISettingRegistry
  ],
  activate: (
    app: JupyterFrontEnd,
    scans: IScanCatalog,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    tracker: INotebookTracker | null,
    settings: ISettingRegistry | null
  ) => {
    if (!(scans instanceof ScanCatalog)) {
      // Another extension provides the catalog, and with it its own panel.
      return;
    }
    const trans = (translator ?? nullTranslator).load('medlab');
    const { commands, serviceManager } = app;
    const panel = new ScanBrowser(scans, trans, {
      open: scan => void openScan(app, trans, scan),
      insertLoad: ({ path, series }) =>
        void commands.execute(CommandIDs.insertLoad, { path, series }),
      insertAnnotate: ({ path, series }) =>
        void commands.execute(CommandIDs.insertAnnotate, { path, series }),
      drag: (scan, event) =>
        dragScan(scan, event, tracker, serviceManager.contents)
    });
    const context: IScanContext = { app, trans, tracker, panel: () => panel };

    addPanelCommands(context, () => scans.refresh());
    addInsertCommands(context);
    const inMenu = [
      CommandIDs.openSelected,
      CommandIDs.insertLoad,
      CommandIDs.insertAnnotate,
      CommandIDs.refresh
    ];
    inMenu.forEach((command, rank) => {
      app.contextMenu.addItem({
        command,
        selector: '.medlab-ScanBrowser-list',
        rank
      });
    });
    for (const command of [...inMenu, CommandIDs.show]) {
      palette?.addItem({ command, category: trans.__('Medical Images') });
    }
    void follow(settings, scans);
    app.shell.add(panel, 'left', { rank: 300 });
    restorer?.add(panel, panel.id);
  }
};

async function follow(
  registry: ISettingRegistry | null,
  scans: ScanCatalog
): Promise<void> {
  const settings = await registry?.load(browser.id).catch(() => null);
  const apply = () => {
    const seconds = settings?.get('lookAgainSeconds').composite;
    if (typeof seconds === 'number') {
      scans.lookAgain_s = seconds;
    }
  };
  apply();
  settings?.changed.connect(apply, scans);
}

export const scanPlugins = [catalog, browser];

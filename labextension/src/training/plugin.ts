import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { serverFromSettings } from '../server/lab';
import { IRunCatalog } from '../tokens';
import { trainingIcon } from '../ui/icons';
import { RunCatalog } from './catalog';
import { TrainingSidebar } from './panel';

const CommandIDs = {
  open: 'medlab:open-training',
  refresh: 'medlab:refresh-runs'
} as const;

const catalog: JupyterFrontEndPlugin<IRunCatalog> = {
  id: 'medlab:run-catalog',
  description: 'Provides the list of trainings on the server.',
  autoStart: true,
  provides: IRunCatalog,
  activate: (app: JupyterFrontEnd) =>
    new RunCatalog(serverFromSettings(app.serviceManager.serverSettings))
};

const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'medlab:training-sidebar',
  description: 'Shows how trainings go in the right sidebar, and steers them.',
  autoStart: true,
  requires: [IRunCatalog],
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    runs: IRunCatalog,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    settings: ISettingRegistry | null
  ) => {
    if (!(runs instanceof RunCatalog)) {
      // Another extension provides the catalog, and with it its own panel.
      return;
    }
    const trans = (translator ?? nullTranslator).load('medlab');
    const panel = new TrainingSidebar(runs, trans);

    app.commands.addCommand(CommandIDs.open, {
      label: trans.__('Show Training Progress'),
      icon: trainingIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: { run: { type: 'string', description: 'Id of a run' } }
        }
      },
      execute: args => {
        app.shell.activateById(panel.id);
        if (typeof args.run === 'string') {
          panel.select(args.run);
        }
      }
    });
    app.commands.addCommand(CommandIDs.refresh, {
      label: trans.__('Refresh Runs'),
      describedBy: { args: { type: 'object', properties: {} } },
      // The panel shows what went wrong, with a button to try again.
      execute: () => runs.refresh().catch(() => undefined)
    });
    for (const command of Object.values(CommandIDs)) {
      palette?.addItem({ command, category: trans.__('Medical Images') });
    }
    app.shell.add(panel, 'right', { rank: 300 });
    restorer?.add(panel, panel.id);
    void startLogarithmic(settings, panel);
  }
};

async function startLogarithmic(
  registry: ISettingRegistry | null,
  panel: TrainingSidebar
): Promise<void> {
  const settings = await registry?.load(sidebar.id).catch(() => null);
  panel.isLog = settings?.get('logarithmicLoss').composite === true;
}

export const trainingPlugins = [catalog, sidebar];

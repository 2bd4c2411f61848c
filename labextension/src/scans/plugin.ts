import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  MainAreaWidget,
  WidgetTracker
} from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { serverFromSettings } from '../server/lab';
import { IScanCatalog } from '../tokens';
import { tagsIcon } from '../ui/icons';
import { ScanCatalog } from './catalog';
import {
  addInsertCommands,
  addPanelCommands,
  CommandIDs,
  frameOf,
  insertDataset,
  type IScanContext
} from './commands';
import { dragScans } from './drag';
import { compareScans, openVolume, showLabels } from './open';
import { type IPanelActions, ScanBrowser } from './panel';
import { followSettings, keepSetting } from './settings';
import { TagsView } from './tags_view';

const BROWSER = 'medlab:scan-browser';

const catalog: JupyterFrontEndPlugin<IScanCatalog> = {
  id: 'medlab:scan-catalog',
  description: 'Provides the list of scans on the server.',
  autoStart: true,
  provides: IScanCatalog,
  activate: (app: JupyterFrontEnd) =>
    new ScanCatalog(serverFromSettings(app.serviceManager.serverSettings))
};

const browser: JupyterFrontEndPlugin<void> = {
  id: BROWSER,
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
    const context: IScanContext = { app, trans, tracker, panel: () => panel };
    const panel = new ScanBrowser(
      scans,
      trans,
      actionsOf(context, scans, settings)
    );
    addPanelCommands(context, () => scans.refresh());
    addInsertCommands(context);
    const inMenu = [
      CommandIDs.openSelected,
      CommandIDs.compare,
      CommandIDs.insertLoad,
      CommandIDs.insertAnnotate,
      CommandIDs.insertDataset,
      CommandIDs.tagsSelected,
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
    app.commands.commandChanged.connect((_, { id }) => {
      // The header has a button for it.
      if (id === CommandIDs.find) {
        panel.update();
      }
    });
    void followSettings(settings, BROWSER, scans);
    app.shell.add(panel, 'left', { rank: 300 });
    restorer?.add(panel, panel.id);
  }
};

/** What the panel's buttons do in JupyterLab. */
function actionsOf(
  context: IScanContext,
  scans: ScanCatalog,
  settings: ISettingRegistry | null
): IPanelActions {
  const { app, trans, tracker } = context;
  const { commands, serviceManager } = app;
  const page = {
    tracker,
    contents: serviceManager.contents,
    words: (count: number) => trans._n('%1 scan', '%1 scans', count)
  };
  const insert =
    (command: string): IPanelActions['insertLoad'] =>
    (scan, frame) => {
      const { path, series } = scan;
      const args = { path, series, frame: frameOf(scan, frame) };
      void commands.execute(command, args);
    };
  return {
    open: (scan, frame = 0) =>
      void openVolume(app, trans, scans.server, scan, frame),
    insertLoad: insert(CommandIDs.insertLoad),
    insertAnnotate: insert(CommandIDs.insertAnnotate),
    insertDataset: chosen =>
      void insertDataset(
        context,
        chosen.map(scan => ({ ...scan, frame: null }))
      ),
    compare: chosen => void compareScans(app, trans, chosen),
    showTags: ({ id, name }) =>
      void commands.execute(CommandIDs.tags, { id, name }),
    showLabels: (scan, attachment) =>
      void showLabels(app, trans, scan, attachment),
    drag: (chosen, row, event) => dragScans(chosen, row, event, page),
    keep: (key, value) => keepSetting(settings, BROWSER, key, value),
    get find() {
      const { find } = CommandIDs;
      const isThere = commands.hasCommand(find) && commands.isVisible(find);
      return isThere ? () => void commands.execute(find) : null;
    }
  };
}

const headers: JupyterFrontEndPlugin<void> = {
  id: 'medlab:scan-headers',
  description: 'Shows every field of a scan’s header in the main area.',
  autoStart: true,
  requires: [IScanCatalog],
  optional: [ITranslator, ILayoutRestorer, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    scans: IScanCatalog,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    settings: ISettingRegistry | null
  ) => {
    if (!(scans instanceof ScanCatalog)) {
      return;
    }
    const trans = (translator ?? nullTranslator).load('medlab');
    const views = new WidgetTracker<MainAreaWidget<TagsView>>({
      namespace: 'medlab-scan-headers'
    });
    app.commands.addCommand(CommandIDs.tags, {
      label: trans.__('Show Header of a Scan'),
      icon: tagsIcon,
      describedBy: {
        args: {
          type: 'object',
          required: ['id'],
          properties: {
            id: { type: 'string', description: 'Identity of the scan' },
            name: { type: 'string', description: 'What to call the tab' }
          }
        }
      },
      execute: args => {
        const id = String(args.id ?? '');
        const name = String(args.name || trans.__('Scan'));
        let view = views.find(({ content }) => content.scan === id);
        if (!view) {
          const content = new TagsView(id, name, scans, trans, names => {
            scans.show({ names });
            keepSetting(settings, BROWSER, 'showPatientNames', names);
          });
          view = new MainAreaWidget({ content });
          view.id = `medlab-scan-header-${id}`;
          app.shell.add(view, 'main');
          void views.add(view);
        }
        app.shell.activateById(view.id);
        return view;
      }
    });
    void restorer?.restore(views, {
      command: CommandIDs.tags,
      args: ({ content }) => ({ id: content.scan, name: content.name }),
      name: ({ content }) => content.scan
    });
  }
};

export const scanPlugins = [catalog, browser, headers];

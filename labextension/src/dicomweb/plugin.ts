import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, MainAreaWidget } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import type { IFoundSeries } from '../server/dicomweb';
import { serverFromSettings } from '../server/lab';
import { IScanCatalog } from '../tokens';
import { archiveIcon } from '../ui/icons';
import { Archive } from './archive';
import { ArchivePanel } from './panel';

const CommandIDs = {
  find: 'medlab:find-on-server',
  open: 'medlab:open-scan'
} as const;

/** Finds scans on servers; without one that an administrator set up, nothing shows. */
const archives: JupyterFrontEndPlugin<void> = {
  id: 'medlab:dicomweb',
  description: 'Finds and fetches scans on DICOMweb servers.',
  autoStart: true,
  optional: [IScanCatalog, ITranslator, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    scans: IScanCatalog | null,
    translator: ITranslator | null,
    palette: ICommandPalette | null
  ) => {
    const { commands, shell } = app;
    const trans = (translator ?? nullTranslator).load('medlab');
    const archive = new Archive(
      serverFromSettings(app.serviceManager.serverSettings)
    );
    const hasServers = () => archive.servers.length > 0;
    const openScan = ({ scan: id, path, series }: IFoundSeries) => {
      const name = path?.split('/').pop() ?? '';
      void commands.execute(CommandIDs.open, { id, path, series, name });
    };
    let shown: MainAreaWidget<ArchivePanel> | null = null;

    commands.addCommand(CommandIDs.find, {
      label: trans.__('Find Scans on a Server'),
      caption: trans.__('Search and fetch series over DICOMweb'),
      icon: archiveIcon,
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: hasServers,
      isVisible: hasServers,
      execute: () => {
        if (!shown || shown.isDisposed) {
          const content = new ArchivePanel(archive, trans, openScan);
          shown = new MainAreaWidget({ content });
          shown.id = 'medlab-archive-area';
        }
        if (!shown.isAttached) {
          shell.add(shown, 'main');
        }
        shell.activateById(shown.id);
      }
    });
    archive.arrived.connect(() => {
      // The panel of scans says itself what goes wrong there.
      void scans?.refresh().catch(() => undefined);
    });
    void app.restored
      .then(() => archive.load())
      .then(() => {
        commands.notifyCommandChanged(CommandIDs.find);
        if (hasServers()) {
          const category = trans.__('Medical Images');
          palette?.addItem({ command: CommandIDs.find, category });
        }
      })
      .catch(() => undefined); // without the server extension there is nothing to find
  }
};

export const archivePlugins = [archives];

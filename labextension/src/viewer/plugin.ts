import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import {
  ABCWidgetFactory,
  type DocumentRegistry,
  DocumentWidget
} from '@jupyterlab/docregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { IServer } from '../server/connection';
import { serverFromSettings } from '../server/lab';
import { scansIcon } from '../ui/icons';
import type { IView3DModule } from '../view3d/types';
import { type IScanAddress, scanOfFile } from './address';
import { ScanModelFactory } from './model';
import { ScanView } from './scan_view';

const OPEN = 'medlab:open-scan';
const FACTORY = 'Medical Scan';

/** The same file that the notebook's widget loads; NiiVue is in nothing else. */
const view3DLoader = (server: IServer) => () =>
  import(
    /* webpackIgnore: true */ `${server.labextensions}/medlab/assets/view3d.js`
  ) as Promise<IView3DModule>;

const FILE_TYPES: Partial<DocumentRegistry.IFileType>[] = [
  { name: 'nifti', displayName: 'NIfTI', extensions: ['.nii', '.nii.gz'] },
  { name: 'nrrd', displayName: 'NRRD', extensions: ['.nrrd', '.nhdr'] },
  { name: 'metaimage', displayName: 'MetaImage', extensions: ['.mha', '.mhd'] },
  { name: 'dicom', displayName: 'DICOM', extensions: ['.dcm'] }
].map(type => ({ ...type, name: `medlab-${type.name}`, icon: scansIcon }));

/** Makes a document for a file of the file browser. */
class ScanFactory extends ABCWidgetFactory<
  DocumentWidget<ScanView>,
  DocumentRegistry.IModel
> {
  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<DocumentWidget<ScanView>>,
    private _view: (path: string) => ScanView
  ) {
    super(options);
  }

  protected createNewWidget(
    context: DocumentRegistry.Context
  ): DocumentWidget<ScanView> {
    const content = this._view(context.localPath);
    return new DocumentWidget({ content, context });
  }
}

/** What the command that opens a scan is told. */
const OPENING = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string', description: 'Identity of the scan' },
    path: { type: 'string', description: 'Path below the Jupyter root' },
    series: { type: 'string', description: 'SeriesInstanceUID' },
    name: { type: 'string', description: 'What to call the tab' },
    mode: {
      type: 'string',
      description: 'Where it goes: split-right, split-bottom, …'
    },
    ref: { type: 'string', description: 'Widget that it goes beside' },
    labels: {
      type: 'string',
      description: 'Label file to read in, below the Jupyter root'
    }
  }
} as const;

/** Where in the main area a scan is to be shown. */
function paneOf(
  args: ReadonlyPartialJSONObject
): DocumentRegistry.IOpenOptions {
  const { mode, ref } = args;
  return typeof mode === 'string' && typeof ref === 'string'
    ? { mode: mode as DocumentRegistry.IOpenOptions['mode'], ref }
    : {};
}

const documents: JupyterFrontEndPlugin<void> = {
  id: 'medlab:scan-documents',
  description: 'Opens scan files of the file browser, without fetching them.',
  autoStart: true,
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load('medlab');
    const server = serverFromSettings(app.serviceManager.serverSettings);
    const { docRegistry } = app;
    const tracker = new WidgetTracker<DocumentWidget<ScanView>>({
      namespace: 'medlab-scan-documents'
    });
    FILE_TYPES.forEach(type => docRegistry.addFileType(type));
    docRegistry.addModelFactory(new ScanModelFactory());
    const names = FILE_TYPES.map(type => type.name as string);
    const factory = new ScanFactory(
      {
        name: FACTORY,
        label: trans.__('Medical Scan'),
        modelName: 'medlab-scan',
        fileTypes: names,
        defaultFor: names,
        readOnly: true
      },
      path => {
        const find = (signal: AbortSignal) => scanOfFile(server, path, signal);
        return new ScanView({
          server,
          trans,
          loadView3D: view3DLoader(server),
          find
        });
      }
    );
    factory.widgetCreated.connect((_, widget) => {
      widget.title.icon = scansIcon;
      widget.context.pathChanged.connect(() => void tracker.save(widget));
      void tracker.add(widget);
    });
    docRegistry.addWidgetFactory(factory);
    void restorer?.restore(tracker, {
      command: 'docmanager:open',
      args: widget => ({ path: widget.context.path, factory: FACTORY }),
      name: widget => widget.context.path
    });
  }
};

const scans: JupyterFrontEndPlugin<void> = {
  id: 'medlab:scan-viewer',
  description: 'Opens scans of the scan browser in the main area.',
  autoStart: true,
  optional: [ITranslator, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null
  ) => {
    const trans = (translator ?? nullTranslator).load('medlab');
    const server = serverFromSettings(app.serviceManager.serverSettings);
    const tracker = new WidgetTracker<MainAreaWidget<ScanView>>({
      namespace: 'medlab-scans'
    });
    const addresses = new WeakMap<MainAreaWidget<ScanView>, IScanAddress>();

    app.commands.addCommand(OPEN, {
      label: trans.__('Open Scan'),
      caption: trans.__('Show a scan in three planes and in 3D'),
      icon: scansIcon,
      describedBy: { args: OPENING },
      execute: args => {
        const id = String(args.id ?? '');
        const path = typeof args.path === 'string' ? args.path : '';
        const name = String(
          args.name || path.split('/').pop() || trans.__('Scan')
        );
        const open = tracker.find(widget => addresses.get(widget)?.id === id);
        const labels = typeof args.labels === 'string' ? args.labels : null;
        const pane = paneOf(args);
        if (open) {
          if (pane.ref && pane.ref !== open.id) {
            app.shell.add(open, 'main', pane);
          }
          app.shell.activateById(open.id);
          void (labels && open.content.readLabels(labels));
          return open;
        }
        const find = () => Promise.resolve({ id, name });
        const content = new ScanView({
          server,
          trans,
          loadView3D: view3DLoader(server),
          find
        });
        void (labels && content.readLabels(labels));
        const widget = new MainAreaWidget({ content });
        widget.id = `medlab-scan-${id}`;
        widget.title.label = name;
        widget.title.caption = path || name;
        widget.title.icon = scansIcon;
        widget.title.closable = true;
        addresses.set(widget, { id, name });
        app.shell.add(widget, 'main', pane);
        void tracker.add(widget);
        app.shell.activateById(widget.id);
        return widget;
      }
    });
    void restorer?.restore(tracker, {
      command: OPEN,
      args: widget => ({
        ...addresses.get(widget),
        path: widget.title.caption
      }),
      name: widget => addresses.get(widget)?.id ?? ''
    });
  }
};

export const viewerPlugins = [documents, scans];

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { showErrorMessage } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { serverFromSettings } from '../server/lab';
import { ItkwidgetsBridge } from './bridge';
import type {} from './contract';

declare global {
  interface Window {
    /** Called by what itkwidgets displays in a cell. */
    connectPlugin?: (kernelId: string) => void;
  }
}

const bridge: JupyterFrontEndPlugin<void> = {
  id: 'medlab:itkwidgets-bridge',
  description: 'Lets itkwidgets draw without the internet.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ITranslator],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    translator: ITranslator | null
  ) => {
    const trans = (translator ?? nullTranslator).load('medlab');
    const server = serverFromSettings(app.serviceManager.serverSettings);
    const bridge = new ItkwidgetsBridge(
      id =>
        notebooks.find(panel => panel.sessionContext.session?.kernel?.id === id)
          ?.sessionContext.session?.kernel ?? null,
      new URL(`${server.labextensions}/medlab/assets/itk`, document.baseURI)
        .href
    );
    window.medlabItkwidgets = bridge;
    window.connectPlugin = kernelId => {
      void bridge
        .connect(kernelId)
        .catch(error =>
          showErrorMessage(trans.__('itkwidgets could not be shown'), error)
        );
    };
  }
};

export const itkPlugins = [bridge];

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

export const trainingPlugins: JupyterFrontEndPlugin<unknown>[] = [];

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

export const scanPlugins: JupyterFrontEndPlugin<unknown>[] = [];

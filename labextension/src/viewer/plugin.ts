import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

export const viewerPlugins: JupyterFrontEndPlugin<unknown>[] = [];

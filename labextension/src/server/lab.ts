import { PageConfig, URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { type IServer, offline } from './connection';

/** The medlab server behind JupyterLab's own connection settings. */
export function serverFromSettings(
  settings: ServerConnection.ISettings
): IServer {
  return {
    labextensions:
      PageConfig.getOption('fullLabextensionsUrl') ||
      URLExt.join(settings.baseUrl, 'lab', 'extensions'),
    loginUrl: URLExt.join(settings.baseUrl, 'lab'),
    request: async (path, init = {}) => {
      const url = `${URLExt.join(settings.baseUrl, 'medlab')}/${path}`;
      try {
        return await ServerConnection.makeRequest(url, init, settings);
      } catch (error) {
        // makeRequest wraps an abort like any other failure of fetch.
        init.signal?.throwIfAborted();
        throw offline(error);
      }
    }
  };
}

/* The small part of imjoy-core 0.14.5 (MIT) that the bridge uses; it ships no types. */

export interface IPlugin {
  id: string;
  api: { run(context: { config: object; data: object }): Promise<void> };
}

export interface IWindowConfig {
  type?: string;
  src?: string;
  window_id?: string;
  config?: Record<string, unknown>;
}

interface IImJoyApi {
  createWindow(
    plugin: IPlugin,
    config: IWindowConfig,
    extra?: object
  ): Promise<unknown>;
}

export interface ImJoy {
  pm: {
    internal_plugins: object;
    connectPlugin(connection: object): Promise<IPlugin>;
    createWindow: IImJoyApi['createWindow'];
  };
  event_bus: {
    on(event: 'add_window', heard: (window: IWindowConfig) => void): void;
  };
  start(): Promise<void>;
}

interface IImJoyCore {
  ImJoy: new (options: {
    default_rpc_base_url: string;
    imjoy_api: IImJoyApi;
  }) => ImJoy;
}

/**
 * Loads imjoy-core's own bundle, on the first view only.
 *
 * As a script and not through the builder: it is a bundle already, and twice the size of
 * the rest of this extension.
 */
export function loadImJoy(url: string): Promise<IImJoyCore> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = url;
    script.onload = () => {
      const core = (window as { imjoyCore?: IImJoyCore }).imjoyCore;
      if (core) {
        resolve(core);
      } else {
        reject(new Error('imjoy-core loaded, but did not start.'));
      }
    };
    script.onerror = () =>
      reject(
        new Error(
          'The files of itkwidgets’ viewer are not on this server. Reinstall medlab.'
        )
      );
    document.head.append(script);
  });
}

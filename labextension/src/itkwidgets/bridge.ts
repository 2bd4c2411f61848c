import type { Kernel } from '@jupyterlab/services';

import { CommConnection } from './comm_connection';
import {
  type ImJoy,
  type IPlugin,
  type IWindowConfig,
  loadImJoy
} from './imjoy';

/**
 * The browser half of itkwidgets, from this server instead of from three CDNs.
 *
 * itkwidgets (1.0a55) talks imjoy-rpc over a comm. imjoy-core answers it, and opens the
 * viewer, itk-vtk-viewer, in a frame whose page is one of this extension's own files.
 */
export class ItkwidgetsBridge {
  /**
   * @param kernelOf - the connection to a kernel that a notebook of this page uses
   * @param assets - address of the folder with the viewer's files, without a final slash
   */
  constructor(
    private _kernelOf: (id: string) => Kernel.IKernelConnection | null,
    private _assets: string
  ) {}

  /**
   * Connects a kernel's viewer, and resolves when it has opened.
   *
   * @param host - where its window goes; else the element that itkwidgets displayed
   */
  async connect(kernelId: string, host?: HTMLElement): Promise<void> {
    const kernel = this._kernelOf(kernelId);
    if (!kernel) {
      throw new Error(
        'itkwidgets needs a notebook of this page, and none uses its kernel. ' +
          'Run the cell again in a notebook that is open here.'
      );
    }
    this._imjoy ??= this._start();
    const imjoy = await this._imjoy;
    const plugin = await imjoy.pm.connectPlugin(new CommConnection(kernel));
    const place = host ?? document.getElementById(plugin.id);
    if (place) {
      this._hosts.set(plugin.id, place);
    }
    // Ends only when the viewer is closed: its window being there is what was asked for.
    const opened = new Promise<void>((resolve, reject) => {
      this._opened.set(plugin.id, resolve);
      plugin.api.run({ config: {}, data: {} }).catch(reject);
    });
    await opened;
  }

  private async _start(): Promise<ImJoy> {
    const core = await loadImJoy(`${this._assets}/imjoy-core.min.js`);
    const imjoy: ImJoy = new core.ImJoy({
      default_rpc_base_url: `${this._assets}/`,
      imjoy_api: {
        createWindow: async (plugin, config, extra) => {
          this._prepare(plugin, config);
          const window = await imjoy.pm.createWindow(plugin, config, extra);
          this._opened.get(plugin.id)?.();
          return window;
        }
      }
    });
    // What imjoy-core would fetch from its own site.
    imjoy.pm.internal_plugins = {};
    imjoy.event_bus.on('add_window', window => this._place(window));
    await imjoy.start();
    return imjoy;
  }

  /** Points itkwidgets' window at our own page, and gives it an element to be in. */
  private _prepare(plugin: IPlugin, config: IWindowConfig): void {
    if (config.type === 'itk-vtk-viewer') {
      config.src = `${this._assets}/index.html`;
      delete config.config?.uiMachineOptions;
    }
    const host = this._hosts.get(plugin.id);
    const id = (config.window_id ??= `medlab-itk-${plugin.id}`);
    // ipykernel 7 drops what a comm handler displays, so the element may be missing.
    const place = document.getElementById(id);
    if (host && (!place || !host.contains(place))) {
      place?.remove();
      const window = document.createElement('div');
      window.id = id;
      host.replaceChildren(window);
    }
    document.getElementById(id)?.classList.add('medlab-Itk-window');
  }

  private _place(window: IWindowConfig): void {
    // imjoy-core waits for an element of that name; it is there already.
    if (!document.getElementById(window.window_id ?? '')) {
      throw new Error('The cell that shows itkwidgets has gone. Run it again.');
    }
  }

  private _imjoy: Promise<ImJoy> | null = null;
  private _hosts = new Map<string, HTMLElement>();
  private _opened = new Map<string, () => void>();
}

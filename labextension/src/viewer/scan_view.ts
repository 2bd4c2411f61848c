import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';

import type { SliceEditor } from '../editor';
import type { IServer } from '../server/connection';
import { fetchLayers } from '../server/labels';
import type { IView3DModule } from '../view3d/types';
import type { IScanAddress } from './address';
import { Scene3D } from './scene3d';

/** Layer that is drawn on, and shown where there is one. */
const LAYER = 'labels';

export interface IScanViewOptions {
  server: IServer;
  /** Finds out which scan is meant; rejects with a sentence. */
  find: (signal: AbortSignal) => Promise<IScanAddress>;
  trans: TranslationBundle;
  loadView3D: () => Promise<IView3DModule>;
}

/** One scan: three planes and a 3D view, to look at or to draw on. */
export class ScanView extends Widget {
  constructor(private _options: IScanViewOptions) {
    super();
    const { trans } = _options;
    this.addClass('medlab-ScanView');
    this._bar.className = 'medlab-ScanView-bar';
    this._name.className = 'medlab-ScanView-name';
    this._annotate.type = 'button';
    this._annotate.className = 'medlab-ScanView-annotate jp-Button';
    this._annotate.textContent = trans.__('Annotate');
    this._letAnnotate(false);
    this._annotate.setAttribute('aria-pressed', 'false');
    this._annotate.addEventListener('click', () => this._toggleTools());
    this._bar.append(this._name, this._annotate);
    this._place.className = 'medlab-ScanView-place';
    this.node.append(this._bar, this._place);
  }

  /** Resolves once the scan is drawn, or said why it cannot be. */
  get ready(): Promise<void> {
    return this._ready;
  }

  /** Lays a label file over the scan, with the tools on: it can be corrected at once. */
  async readLabels(path: string): Promise<void> {
    this._labels = path;
    if (this._isStarted && this._editor) {
      await this._ready;
      await this._openLabels();
    }
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this._stop.abort();
      this._close();
      super.dispose();
    }
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (!this._isStarted) {
      this._isStarted = true;
      this._ready = this._start();
    }
  }

  private async _start(): Promise<void> {
    const { trans, find } = this._options;
    this._say(trans.__('Looking for the scan…'));
    try {
      this._scan = await find(this._stop.signal);
      this._name.textContent = this._scan.name;
      if (this._scan.error) {
        throw new Error(this._scan.error);
      }
      await (this._labels ? this._openLabels() : this._open(false));
      this._letAnnotate(!this.isDisposed);
    } catch (error) {
      if (!this.isDisposed && !this._editor) {
        this._say(error instanceof Error ? error.message : String(error), true);
      }
    }
  }

  private async _openLabels(): Promise<void> {
    const path = this._labels;
    this._labels = null;
    if (!path) {
      return;
    }
    if (this._annotate.getAttribute('aria-pressed') !== 'true') {
      this._annotate.setAttribute('aria-pressed', 'true');
      await this._open(true);
    }
    await this._editor?.readLabels(path);
  }

  private async _open(tools: boolean): Promise<void> {
    const { server, trans, loadView3D } = this._options;
    if (!this._scan) {
      return;
    }
    const id = this._scan.id;
    const [layer, { SliceEditor }] = await Promise.all([
      tools ? LAYER : this._layerToShow(id),
      // Fetched with the first scan that is opened, not with JupyterLab; its looks come
      // from where the compiled file finds them.
      import('../editor'),
      import('../../labextension/style/labeling.css')
    ]);
    if (this.isDisposed) {
      return;
    }
    this._close();
    this._place.replaceChildren();
    const editor = new SliceEditor(this._place, {
      server,
      scanId: id,
      layer,
      planes: ['axial', 'sagittal', 'coronal'],
      tools,
      soon3d: trans.__('The 3D view follows.'),
      trans: (text, ...args) => trans.__(text, ...args)
    });
    this._editor = editor;
    await editor.ready;
    if (this._editor === editor && editor.slot3d) {
      editor.slot3d.replaceChildren();
      this._scene = new Scene3D(editor, editor.slot3d, loadView3D, text =>
        trans.__(text)
      );
    }
  }

  /** The layer to lay over the scan: `labels`, else the first there is. */
  private async _layerToShow(scan: string): Promise<string | undefined> {
    const layers = await fetchLayers(this._options.server, scan);
    const names = layers.map(layer => layer.name);
    return names.includes(LAYER) ? LAYER : names[0];
  }

  private _toggleTools(): void {
    const tools = this._annotate.getAttribute('aria-pressed') !== 'true';
    this._annotate.setAttribute('aria-pressed', String(tools));
    this._letAnnotate(false);
    this._ready = this._open(tools)
      .catch(() => undefined) // the editor shows its own failure
      .finally(() => {
        this._letAnnotate(true);
      });
  }

  /** Drawing needs the whole scan; the button says so until it is there. */
  private _letAnnotate(isThere: boolean): void {
    const { trans } = this._options;
    this._annotate.disabled = !isThere;
    this._annotate.title = isThere
      ? trans.__('Draw labels on this scan')
      : trans.__('Labels can be drawn once the whole scan is read');
  }

  private _close(): void {
    this._scene?.dispose();
    this._scene = null;
    this._editor?.dispose();
    this._editor = null;
  }

  private _say(text: string, isError = false): void {
    const line = document.createElement('p');
    line.className = 'medlab-ScanView-message';
    line.classList.toggle('medlab-mod-error', isError);
    line.setAttribute('role', isError ? 'alert' : 'status');
    line.textContent = text;
    this._place.replaceChildren(line);
  }

  private _bar = document.createElement('div');
  private _name = document.createElement('span');
  private _annotate = document.createElement('button');
  private _place = document.createElement('div');
  private _scan: IScanAddress | null = null;
  private _editor: SliceEditor | null = null;
  private _scene: Scene3D | null = null;
  private _stop = new AbortController();
  /** Label file that waits for the scan. */
  private _labels: string | null = null;
  private _isStarted = false;
  private _ready: Promise<void> = Promise.resolve();
}

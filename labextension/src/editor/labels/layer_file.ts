import { type IServer, ServerError } from '../../server/connection';
import { fetchLayerFile, saveLayer } from '../../server/labels';
import type { ILayerFile, ISavedFile, LabelFormat } from '../../server/types';

import { Emitter } from '../emitter';

const NONE: ILayerFile = { path: null, rev: 0, sha256: null, state: 'none' };

/** The file for other programs that a layer is saved to, and how it stands. */
export class LayerFile {
  constructor(
    private readonly _server: IServer,
    private readonly _scan: string,
    private readonly _layer: string
  ) {}

  readonly changed = new Emitter<void>();

  /** As the server told last. */
  get info(): ILayerFile {
    return this._info;
  }

  /** The server writes such files. */
  get isKnown(): boolean {
    return this._isKnown;
  }

  /** The file holds this revision, and nothing else wrote it since. */
  holds(rev: number): boolean {
    const { state, path } = this._info;
    return (
      path !== null &&
      this._info.rev >= rev &&
      (state === 'current' || state === 'behind')
    );
  }

  /** Asks how the file stands; what it knew stays when there is no answer. */
  async refresh(signal?: AbortSignal): Promise<void> {
    try {
      const info = await fetchLayerFile(
        ...([this._server, this._scan, this._layer, signal] as const)
      );
      this._isKnown = true;
      if (JSON.stringify(info) !== JSON.stringify(this._info)) {
        this._info = info;
        this.changed.emit();
      }
    } catch (error) {
      if (error instanceof ServerError && error.status === 404) {
        this._isKnown = false;
      }
    }
  }

  /**
   * Writes the layer to the file.
   *
   * @param options.replace - checksum of what may be replaced
   * @throws ServerError with code `file-changed` when something else wrote the file
   */
  async save(options: {
    path: string;
    format?: LabelFormat;
    layers?: string[];
    replace?: string;
  }): Promise<ISavedFile> {
    const saved = await saveLayer(
      ...([this._server, this._scan, this._layer, options] as const)
    );
    this._info = { ...saved, state: 'current' };
    this._isKnown = true;
    this.changed.emit();
    return saved;
  }

  private _info: ILayerFile = NONE;
  private _isKnown = false;
}

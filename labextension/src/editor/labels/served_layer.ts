import { ServerError } from '../../server/connection';
import { recoverLayer } from '../../server/labels';
import type { IDelta } from '../../server/messages';

import { Emitter } from '../emitter';
import { newSession } from './author';
import type { Edit } from './delta';
import { type IPlace, Journal, type SaveState } from './journal';
import type { LabelMap } from './label_map';
import { LayerFile } from './layer_file';
import { type ISessionOptions, loadLayer } from './open_layer';
import { type ITrouble, troubleOf } from './trouble';
import type { IConflict } from './waiting';

/**
 * Where what is shown would be found again, from the least safe place to the safest:
 * nowhere but in this page, in this browser, on the server's disk, also in the file.
 */
export type Place = 'page' | 'browser' | 'disk' | 'file';

/**
 * The layer on the server that the map shows: its journal and its file, or the damage
 * that keeps it closed. The map stays the same object when another layer is loaded.
 */
export class ServedLayer {
  /**
   * @param _by - who draws
   * @param _signal - ends with the session
   */
  constructor(
    private readonly _options: ISessionOptions,
    private readonly _map: LabelMap,
    private readonly _by: string,
    private readonly _signal: AbortSignal
  ) {}

  /** The saving state, or the sentence to it, became different. */
  readonly changed = new Emitter<void>();
  /** Another layer is about to be in the map: what was done to the one before is over. */
  readonly replaced = new Emitter<void>();
  /** Others came between: what the reader should know of. */
  readonly conflicted = new Emitter<IConflict[]>();
  /** An edit of a page that is gone was taken up, or one of another page came in. */
  readonly received = new Emitter<IDelta>();

  /** null without a layer on the server, or while it is damaged. */
  get journal(): Journal | null {
    return this._journal;
  }

  /** The file that the layer is saved to; null without a layer. */
  get file(): LayerFile | null {
    return this._file;
  }

  /** Nothing can keep an edit: the layer's files are damaged. */
  get isDamaged(): boolean {
    return this._damage !== null;
  }

  /** Why edits do not get where they should; null when they do. */
  get trouble(): ITrouble | null {
    const trouble = this._damage ?? this._journal?.trouble;
    if (trouble) {
      return trouble;
    }
    return this._journal?.storeFails
      ? { kind: 'browser', message: '', lastGoodRev: null }
      : null;
  }

  /** @param isCoding - an edit is still being made */
  state(isCoding: boolean): SaveState {
    if (this._damage) {
      return 'unsaved';
    }
    const state = this._journal?.state ?? 'saved';
    return isCoding && state === 'saved' ? 'saving' : state;
  }

  /** @param isCoding - an edit is still being made */
  place(isCoding: boolean): Place {
    const journal = this._journal;
    if (!journal) {
      return 'disk';
    }
    if (isCoding || journal.waiting > 0) {
      const isKept = !isCoding && journal.isKept;
      return isKept && !journal.storeFails ? 'browser' : 'page';
    }
    return this._file?.holds(journal.rev) ? 'file' : 'disk';
  }

  /** Loads the layer, and makes it when it is to be drawn on. */
  async load(layer: string, signal = this._signal): Promise<void> {
    const { server, scanId } = this._options;
    try {
      const { shape } = this._map;
      const opened = await loadLayer(this._options, layer, shape, signal);
      // Not before: what is still damaged, or still to come, is on no disk.
      this._damage = null;
      if (!opened) {
        return;
      }
      const { data, segments, marks, rev } = opened.snapshot;
      this._journal = null;
      this.replaced.emit();
      this._map.name = layer;
      this._map.replace(data, segments, marks);
      const [map, by] = [this._map, this._by];
      const journal = new Journal(
        ...[{ server, scan: scanId, layer, map, rev, store: opened.store, by }]
      );
      this._follow(journal);
      this._file = new LayerFile(server, scanId, layer);
      this._file.changed.connect(() => this.changed.emit());
    } catch (error) {
      if (!(error instanceof ServerError && error.code === 'journal-damaged')) {
        throw error;
      }
      this._journal = null;
      this._map.name = layer;
      this._damage = troubleOf(error);
      this.changed.emit();
    }
  }

  /** Loads another layer; what waits for the one before is sent on its own. */
  async switchTo(layer: string): Promise<void> {
    const old = this._journal;
    await this.load(layer);
    void retire(old);
  }

  /** Goes back to the last state that is whole, after damage on the server's disk. */
  async recover(): Promise<void> {
    const { server, scanId, layer } = this._options;
    const name = this._map.name || (layer ?? '');
    await recoverLayer(server, scanId, name);
    const old = this._journal;
    await this.load(name);
    old?.dispose();
  }

  /** Takes an edit whose voxels are in the map already. */
  add(edit: Edit, place: IPlace): IDelta {
    // Without a journal the edit can be taken back in this page, and is nowhere else.
    return (
      this._journal?.add(edit, place) ?? {
        ...{ ...edit, scan: '', layer: '', rev: null, base: 0 },
        ...{ session: this._session, seq: ++this._seq, by: this._by },
        ...(place.turn ? { turn: place.turn } : { step: place.step })
      }
    );
  }

  dispose(): void {
    this._journal?.dispose();
    this.changed.clear();
    this.replaced.clear();
    this.conflicted.clear();
    this.received.clear();
  }

  private _follow(journal: Journal): void {
    this._journal = journal;
    journal.stateChanged.connect(() => this.changed.emit());
    journal.conflicted.connect(told => this.conflicted.emit(told));
    journal.received.connect(delta => this.received.emit(delta));
  }

  private _journal: Journal | null = null;
  private _file: LayerFile | null = null;
  private _damage: ITrouble | null = null;
  private _seq = 0;
  private readonly _session = newSession();
}

/** Lets a journal that is no longer shown send what it has, and ends it. */
async function retire(journal: Journal | null): Promise<void> {
  try {
    await journal?.settled();
  } catch {
    // It lies in the browser, and goes when the layer is opened next.
  }
  journal?.dispose();
}

import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';

import { isAbort, type IServer, ServerError } from '../server/connection';
import {
  type IRows,
  searchGroups,
  searchScans,
  steerIndexing
} from '../server/scans';
import type { IIndexing, IScanPage, IScanQuery } from '../server/types';
import type { IScanCatalog } from '../tokens';
import { type ISources, Rows } from './rows';

/** How often a visible panel looks for scans and labels that came by themselves. */
const LOOK_AGAIN_MS = 20_000;
/** The same while the server is reading headers. */
const INDEXING_MS = 1000;

/** Everything, as the server sorts it by itself. */
export const ALL_SCANS: IScanQuery = {
  words: '',
  sort: 'path',
  descending: false,
  problems: null,
  modality: null,
  labels: null,
  patient: null,
  study: null
};

const IDLE: IIndexing = {
  state: 'idle',
  done: 0,
  total: null,
  found: 0,
  error: null,
  read_only: false
};

/** The scans that the server knows, a window at a time, with what is going on there. */
export class ScanCatalog implements IScanCatalog {
  constructor(readonly server: IServer) {
    this._rows = this._makeRows();
    this._poll = new Poll({
      auto: false,
      name: 'medlab:scans',
      factory: () => this._look(),
      frequency: { interval: LOOK_AGAIN_MS, backoff: true, max: 300_000 },
      standby: 'when-hidden'
    });
  }

  readonly changed = new Signal<this, void>(this);

  /** Scans below the Jupyter root. */
  get count(): number {
    return this._all;
  }

  /** Scans that the query means. */
  get found(): number {
    return this._total;
  }

  get rows(): Rows {
    return this._rows;
  }

  get query(): Readonly<IScanQuery> {
    return this._query;
  }

  get view(): 'list' | 'tree' {
    return this._view;
  }

  /** Patients are named, here and in header fields. */
  get showsNames(): boolean {
    return this._showsNames;
  }

  get indexing(): IIndexing {
    return this._indexing;
  }

  /** Waiting for a reply. */
  get isLoading(): boolean {
    return this._loading > 0;
  }

  /** A reply came at least once: an empty list means that there are no scans. */
  get isKnown(): boolean {
    return this._isKnown;
  }

  /** Why the last request failed; null after one that did not. */
  get error(): ServerError | null {
    return this._error;
  }

  /** Asks for other scans, or in another order; an older answer is dropped. */
  set(changes: Partial<IScanQuery>): void {
    this._query = { ...this._query, ...changes };
    void this._reload();
  }

  /** Shows the scans in another way. Names that are no longer shown go at once. */
  show(changes: { view?: 'list' | 'tree'; names?: boolean }): void {
    const { view = this._view, names = this._showsNames } = changes;
    if (view === this._view && names === this._showsNames) {
      return;
    }
    const isHiding = this._showsNames && !names;
    this._view = view;
    this._showsNames = names;
    if (isHiding) {
      this._rows.dispose();
      this._rows = this._makeRows();
    }
    void this._reload();
  }

  /** Some of the scans that a query means, at most 1000. */
  search(
    query: Partial<IScanQuery>,
    rows: Partial<IRows> = {},
    signal?: AbortSignal
  ): Promise<IScanPage> {
    return searchScans(
      this.server,
      query,
      { offset: 0, limit: 1000, private: this._showsNames, ...rows },
      signal
    );
  }

  /**
   * Lets the server look for new and changed files.
   *
   * @param everything - also at files that seem unchanged
   */
  async refresh(everything = false): Promise<void> {
    try {
      const cmd = everything ? 'refresh' : 'start';
      this._heardIndexing(await steerIndexing(this.server, cmd));
    } catch (error) {
      this._failed(error);
      this.changed.emit();
      throw this._error;
    }
    await this._reload();
  }

  /** Ends the reading of headers; what was read stays. */
  async cancelIndexing(): Promise<void> {
    try {
      this._heardIndexing(await steerIndexing(this.server, 'cancel'));
    } catch (error) {
      this._failed(error);
    }
    this.changed.emit();
  }

  /** Looks for changes from now on, the first time at once. */
  watch(): void {
    this._isWatched = true;
    // The first time without the poll's own delay: somebody is looking already.
    const first = this._isKnown ? this._look() : this._reload();
    void first
      .catch(() => undefined)
      .then(() => {
        if (this._isWatched && !this.isDisposed) {
          void this._poll.start();
        }
      });
  }

  /** How long to wait before looking again, in seconds. */
  set lookAgain_s(seconds: number) {
    this._lookAgain_ms = seconds * 1000;
    this._setPace();
  }

  unwatch(): void {
    this._isWatched = false;
    void this._poll.stop();
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    this._poll.dispose();
    this._aborter.abort();
    this._rows.dispose();
    this._next?.dispose();
    Signal.clearData(this);
  }

  private _makeRows(): Rows {
    const rows = new Rows(
      this._view,
      this._sources(),
      error => this._heard(rows, error),
      this._rows?.open
    );
    return rows;
  }

  /** The query is kept as it is now: a later one has rows of its own. */
  private _sources(): ISources {
    const { server } = this;
    const query = this._query;
    const isPrivate = this._showsNames;
    const groups =
      (by: 'patient' | 'study', patient: string | null) =>
      async (offset: number, limit: number, signal: AbortSignal) => {
        const rows = { offset, limit, private: isPrivate };
        const asked = { ...query, ...(patient === null ? {} : { patient }) };
        const found = await searchGroups(server, by, asked, rows, signal);
        return { rows: found.groups, total: found.total };
      };
    return {
      scans:
        (patient, study) =>
        async (
          offset,
          limit,
          signal
        ): Promise<{ rows: IScanPage['scans']; total: number }> => {
          const rows = { offset, limit, private: isPrivate };
          const asked = {
            ...query,
            ...(patient === undefined ? {} : { patient, study })
          };
          const page = await searchScans(server, asked, rows, signal);
          if (!signal.aborted) {
            this._heardPage(page, patient === undefined);
          }
          return { rows: page.scans, total: page.total };
        },
      patients: groups('patient', null),
      studies: patient => groups('study', patient)
    };
  }

  private async _reload(): Promise<void> {
    this._next?.dispose();
    const next = this._makeRows();
    this._next = next;
    this._loading += 1;
    this.changed.emit();
    await Promise.all([
      next.start(),
      next.view === 'tree' ? this._look().catch(() => undefined) : null
    ]);
    this._loading -= 1;
    if (!this.isDisposed) {
      this.changed.emit();
    }
  }

  /** Asks how many scans there are, and whether something has changed. */
  private async _look(): Promise<void> {
    const query = this._query;
    try {
      const rows = { limit: 1 };
      const page = await this.search(query, rows, this._aborter.signal);
      if (query === this._query) {
        this._heardPage(page, true);
        this.changed.emit();
      }
    } catch (error) {
      if (!isAbort(error)) {
        this._failed(error);
        this.changed.emit();
        throw this._error;
      }
    }
  }

  private _heard(rows: Rows, error?: unknown): void {
    if (this.isDisposed) {
      return;
    }
    if (error !== undefined) {
      this._failed(error);
    } else if (rows === this._next && rows.isKnown) {
      this._rows.dispose();
      this._rows = rows;
      this._next = null;
      this._error = null;
      this._isKnown = true;
    }
    if (rows === this._rows || error !== undefined) {
      this.changed.emit();
    }
  }

  private _heardPage(page: IScanPage, isWhole: boolean): void {
    const isNews = this._revision !== null && page.revision !== this._revision;
    this._revision = page.revision;
    this._all = page.all;
    this._error = null;
    if (isWhole) {
      this._total = page.total;
    }
    this._heardIndexing(page.indexing);
    if (isNews) {
      this._rows.refresh();
    }
  }

  private _heardIndexing(indexing: IIndexing | null | undefined): void {
    this._indexing = indexing ?? IDLE;
    this._setPace();
  }

  private _setPace(): void {
    const isRunning = this._indexing.state === 'running';
    const interval = isRunning ? INDEXING_MS : this._lookAgain_ms;
    if (this._poll.frequency.interval !== interval) {
      this._poll.frequency = { ...this._poll.frequency, interval };
      if (isRunning && this._isWatched) {
        void this._poll.refresh();
      }
    }
  }

  private _failed(error: unknown): void {
    this._error =
      error instanceof ServerError
        ? error
        : new ServerError(0, 'unreadable-reply', String(error));
  }

  private _all = 0;
  private readonly _aborter = new AbortController();
  private _error: ServerError | null = null;
  private _indexing = IDLE;
  private _isKnown = false;
  private _isWatched = false;
  private _loading = 0;
  private _lookAgain_ms = LOOK_AGAIN_MS;
  private _next: Rows | null = null;
  private readonly _poll: Poll;
  private _query: IScanQuery = ALL_SCANS;
  private _revision: number | string | null = null;
  private _rows: Rows;
  private _showsNames = false;
  private _total = 0;
  private _view: 'list' | 'tree' = 'list';
}

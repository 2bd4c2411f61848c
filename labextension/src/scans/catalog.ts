import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';

import { isAbort, type IServer, ServerError } from '../server/connection';
import { fetchScans } from '../server/requests';
import type { IScan } from '../server/types';
import type { IScanCatalog } from '../tokens';

/** How often a visible panel looks for scans and labels that came by themselves. */
const LOOK_AGAIN_MS = 20_000;

/** What the server lists, with what is going on while it does. */
export class ScanCatalog implements IScanCatalog {
  constructor(readonly server: IServer) {
    this._poll = new Poll({
      auto: false,
      name: 'medlab:scans',
      factory: () => this._load(false),
      frequency: { interval: LOOK_AGAIN_MS, backoff: true, max: 300_000 },
      standby: 'when-hidden'
    });
  }

  readonly changed = new Signal<this, void>(this);

  get scans(): readonly IScan[] {
    return this._scans;
  }

  /** Waiting for a reply. */
  get isLoading(): boolean {
    return this._loading > 0;
  }

  /** A reply came at least once: an empty list means that there are no scans. */
  get isKnown(): boolean {
    return this._known;
  }

  /** Why the last request failed; null after one that did not. */
  get error(): ServerError | null {
    return this._error;
  }

  /** Looks again, also at files that seem unchanged. */
  async refresh(): Promise<void> {
    await this._load(true);
  }

  /** Looks for changes from now on, the first time at once. */
  watch(): void {
    this._isWatched = true;
    // The first time without the poll's own delay: somebody is looking already.
    const first = this._load(false).catch(() => undefined);
    void first.then(() => {
      if (this._isWatched) {
        void this._poll.start();
      }
    });
  }

  /** How long to wait before looking again, in seconds. */
  set lookAgain_s(seconds: number) {
    const interval = seconds * 1000;
    this._poll.frequency = { ...this._poll.frequency, interval };
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
    Signal.clearData(this);
  }

  private async _load(refresh: boolean): Promise<void> {
    this._loading += 1;
    this.changed.emit();
    try {
      const list = await fetchScans(this.server, {
        refresh,
        signal: this._aborter.signal
      });
      this._scans = list.scans;
      this._known = true;
      this._error = null;
    } catch (error) {
      if (isAbort(error)) {
        return;
      }
      this._error = asServerError(error);
      throw this._error;
    } finally {
      this._loading -= 1;
      if (!this.isDisposed) {
        this.changed.emit();
      }
    }
  }

  private readonly _aborter = new AbortController();
  private _error: ServerError | null = null;
  private _isWatched = false;
  private _known = false;
  private _loading = 0;
  private readonly _poll: Poll;
  private _scans: readonly IScan[] = [];
}

function asServerError(error: unknown): ServerError {
  return error instanceof ServerError
    ? error
    : new ServerError(0, 'unreadable-reply', String(error));
}

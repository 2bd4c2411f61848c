import { Poll } from '@lumino/polling';
import { Signal } from '@lumino/signaling';

import { isAbort, type IServer, ServerError } from '../server/connection';
import { fetchRuns } from '../server/runs';
import type { IRun } from '../server/types';
import type { IRunCatalog } from '../tokens';

/** New runs appear by themselves within this time. */
const LOOK_AGAIN_MS = 1500;

/** The runs the server lists, newest first; looks again while somebody watches. */
export class RunCatalog implements IRunCatalog {
  constructor(readonly server: IServer) {
    this._poll = new Poll({
      auto: false,
      name: 'medlab:runs',
      factory: () => this.refresh(),
      frequency: { interval: LOOK_AGAIN_MS, backoff: true, max: 10_000 },
      standby: 'when-hidden'
    });
  }

  readonly changed = new Signal<this, void>(this);

  get runs(): readonly IRun[] {
    return this._runs;
  }

  get isKnown(): boolean {
    return this._known;
  }

  get error(): ServerError | null {
    return this._error;
  }

  async refresh(): Promise<void> {
    try {
      const runs = await fetchRuns(this.server, this._aborter.signal);
      const isNew = JSON.stringify(runs) !== JSON.stringify(this._runs);
      const wasWrong = this._error !== null || !this._known;
      this._runs = runs;
      this._known = true;
      this._error = null;
      if (isNew || wasWrong) {
        this.changed.emit();
      }
    } catch (error) {
      if (isAbort(error)) {
        return;
      }
      this._error =
        error instanceof ServerError
          ? error
          : new ServerError(0, 'unreadable-reply', String(error));
      this.changed.emit();
      throw this._error;
    }
  }

  watch(): void {
    this._isWatched = true;
    // The first time without the poll's own delay: somebody is looking already.
    const first = this.refresh().catch(() => undefined);
    void first.then(() => {
      if (this._isWatched) {
        void this._poll.start();
      }
    });
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

  private readonly _aborter = new AbortController();
  private _error: ServerError | null = null;
  private _isWatched = false;
  private _known = false;
  private readonly _poll: Poll;
  private _runs: readonly IRun[] = [];
}

import { isAbort, ServerError } from '../../server/connection';
import type { IDelta, Turn } from '../../server/messages';

import { Emitter } from '../emitter';
import { newSession } from './author';
import type { Edit } from './delta';
import { Exchange, type IExchangeOptions } from './exchange';
import { Kept } from './kept';
import { type IPageLock, openPageLock } from './page_lock';
import type { IPendingStore } from './pending_store';
import { type ITrouble, troubleOf } from './trouble';
import type { IConflict } from './waiting';

export { newSession } from './author';

/**
 * `saved`: all on the server's disk. `saving`: on the way there. `offline`: edits wait
 * for the server, or for a login. `unsaved`: the server does not take them.
 */
export type SaveState = 'saved' | 'saving' | 'unsaved' | 'offline';

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 8000;
const POLL_MS = 2000;

export interface IJournalOptions extends IExchangeOptions {
  store: IPendingStore;
  /** Who draws. */
  by?: string;
  pages?: IPageLock;
}

/** What an edit says about the history: its step, or the step that it turns. */
export interface IPlace {
  step?: number;
  turn?: Turn;
}

/**
 * Sends edits to the layer's journal, in order, until the server acknowledged each; and
 * brings in what others wrote.
 *
 * It keeps the conversation going: it tries again after a pause, asks for news now and
 * then, and has the browser keep what is not acknowledged.
 */
export class Journal {
  constructor(private readonly _options: IJournalOptions) {
    this._pages = _options.pages ?? openPageLock();
    this._kept = new Kept(
      ...([_options.store, this._pages] as const),
      ...([this.session, this._abort.signal] as const)
    );
    this._kept.changed.connect(() => this.stateChanged.emit(this._state));
    this._exchange = new Exchange(
      ...([_options, this._kept, this.session, this._abort.signal] as const)
    );
    this.conflicted = this._exchange.conflicted;
    this.received = this._exchange.received;
  }

  readonly session = newSession();
  /** The state, the trouble, or where the edits are became different. */
  readonly stateChanged = new Emitter<SaveState>();
  /** Others came between; what the reader should know of. */
  readonly conflicted: Emitter<IConflict[]>;
  /** An edit of a page that is gone was taken up, or one of another page came in. */
  readonly received: Emitter<IDelta>;

  get state(): SaveState {
    return this._state;
  }

  /** Why edits cannot be saved; null when they can. */
  get trouble(): ITrouble | null {
    return this._trouble;
  }

  /** Why edits cannot be saved, in one sentence; empty when they can. */
  get message(): string {
    return this._trouble?.message ?? '';
  }

  get rev(): number {
    return this._exchange.rev;
  }

  get waiting(): number {
    return this._exchange.waiting;
  }

  /** What waits would be there again in a reloaded page. */
  get isKept(): boolean {
    return this._kept.isComplete;
  }

  /** The browser keeps nothing for a page that is closed. */
  get storeFails(): boolean {
    return this._kept.fails;
  }

  /** Takes up what an earlier page could not send, then keeps in step with the server. */
  async start(): Promise<void> {
    this._pages.hold(this.session, this._abort.signal);
    await this._kept.takeUp(left => this._takeUp(left));
    if (this._disposed) {
      return;
    }
    void this._wake();
    this._schedule(POLL_MS);
  }

  /** Takes an edit whose voxels are in the map already. */
  add(edit: Edit, place: IPlace = {}): IDelta {
    const delta = this._asDelta(edit, ++this._seq, place);
    this._exchange.add(delta);
    this._kept.add(delta);
    const isHeldUp = this._state === 'offline' || this._state === 'unsaved';
    this._setState(isHeldUp ? this._state : 'saving');
    void this._wake();
    return delta;
  }

  /**
   * Keeps a stroke that is still being drawn: it is taken up should the page die now. The
   * next `add`, or null, takes its place.
   */
  keepUnfinished(edit: Edit | null): void {
    if (edit) {
      this._kept.addUnfinished(this._asDelta(edit, this._seq + 1, {}));
    } else {
      this._kept.remove(this.session, this._seq + 1);
    }
  }

  /** Tries again now instead of after the pause. */
  retry(): void {
    this._pause_ms = 0;
    void this._wake();
  }

  /** Asks for what others wrote, now. */
  poll(): Promise<void> {
    this._exchange.wantNews(true);
    return this._wake();
  }

  /**
   * Resolves with the revision once the server acknowledged every edit.
   *
   * @throws ServerError when it does not answer, or does not take them
   */
  async settled(): Promise<number> {
    while (this.waiting > 0 && !this._disposed) {
      await this._wake();
      if (this._trouble && this.waiting > 0) {
        throw new ServerError(0, this._trouble.kind, this._trouble.message);
      }
    }
    return this._exchange.rev;
  }

  /** Leaves the map alone while a stroke is being drawn into it. */
  hold(): void {
    this._exchange.hold();
  }

  release(): void {
    this._exchange.release();
  }

  dispose(): void {
    this._disposed = true;
    this._exchange.dispose();
    this._abort.abort();
    clearTimeout(this._timer);
    this.stateChanged.clear();
  }

  /** Puts what a page that is gone left on top of what the map holds. */
  private async _takeUp(left: IDelta[]): Promise<void> {
    await this._exchange.released;
    if (this._disposed) {
      return;
    }
    this._exchange.takeUp(left);
    if (this.waiting > 0) {
      this._setState('saving');
      void this._wake();
    }
  }

  private _wake(): Promise<void> {
    this._running ??= this._run().finally(() => {
      this._running = null;
    });
    return this._running;
  }

  private _asDelta(edit: Edit, seq: number, { step, turn }: IPlace): IDelta {
    const { scan, layer, by } = this._options;
    return {
      ...{ ...edit, scan, layer, rev: null, base: this.rev + this.waiting },
      ...{ session: this.session, seq },
      ...(by && { by, ...(turn ? { turn } : { step: step ?? seq }) })
    };
  }

  /** One conversation at a time, so that revisions arrive in order. */
  private async _run(): Promise<void> {
    while (!this._disposed && this._exchange.isDue) {
      try {
        await this._exchange.next();
        this._pause_ms = 0;
        this._trouble = null;
        this._setState(this.waiting > 0 ? 'saving' : 'saved');
      } catch (error) {
        if (this._disposed || isAbort(error)) {
          return;
        }
        this._exchange.wantNews(false);
        this._failed(error);
        return;
      }
    }
  }

  private _failed(error: unknown): void {
    this._trouble = troubleOf(error);
    this._pause_ms = Math.min(
      LAST_RETRY_MS,
      Math.max(FIRST_RETRY_MS, this._pause_ms * 2)
    );
    const isAway = ['offline', 'login'].includes(this._trouble.kind);
    const isSafe = this.waiting === 0 && this._trouble.kind === 'refused';
    this._setState(isAway ? 'offline' : isSafe ? 'saved' : 'unsaved');
    // Spread out, so that many pages do not return to a restarted server at once.
    this._schedule(this._pause_ms * (0.75 + 0.5 * Math.random()));
  }

  private _schedule(after_ms: number): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      if (isVisible() || this._trouble !== null) {
        this._exchange.wantNews(true);
      }
      void this._kept
        .takeUp(left => this._takeUp(left))
        .then(() => this._wake())
        .then(() => {
          if (!this._disposed && !this._trouble) {
            this._schedule(POLL_MS);
          }
        });
    }, after_ms);
  }

  private _setState(state: SaveState): void {
    const now = `${state} ${this._trouble?.kind} ${this._trouble?.message}`;
    if (now !== this._told) {
      this._told = now;
      this._state = state;
      this.stateChanged.emit(state);
    }
  }

  private readonly _pages: IPageLock;
  private readonly _kept: Kept;
  private readonly _exchange: Exchange;
  private _seq = 0;
  private _state: SaveState = 'saved';
  private _told = '';
  private _trouble: ITrouble | null = null;
  private _pause_ms = 0;
  private _disposed = false;
  private _running: Promise<void> | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _abort = new AbortController();
}

function isVisible(): boolean {
  return (
    typeof document === 'undefined' || document.visibilityState !== 'hidden'
  );
}

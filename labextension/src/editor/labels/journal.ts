import { isAbort, type IServer, ServerError } from '../../server/connection';
import {
  decodeDelta,
  decodeFrame,
  decodeSnapshot,
  encodeDelta,
  type IAck,
  type IDelta,
  type IFrame,
  joinFrames,
  splitFrames,
  type Turn
} from '../../server/frames';
import { fetchOps, fetchSnapshot, postOps } from '../../server/requests';

import { Emitter } from '../emitter';
import { newSession } from './author';
import { applyEdit, type Edit } from './delta';
import type { LabelMap } from './label_map';
import { Kept } from './kept';
import { type IPageLock, openPageLock } from './page_lock';
import type { IPendingStore } from './pending_store';
import { type ITrouble, troubleOf } from './trouble';
import { type IConflict, Waiting } from './waiting';

export { newSession } from './author';

/**
 * `saved`: all on the server's disk. `saving`: on the way there. `offline`: edits wait
 * for the server, or for a login. `unsaved`: the server does not take them.
 */
export type SaveState = 'saved' | 'saving' | 'unsaved' | 'offline';

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 8000;
const POLL_MS = 2000;
const EDITS_A_BODY = 32;
const ANOTHER_HISTORY = 'another-history';
const MOST_REFUSALS = 8;

export interface IJournalOptions {
  server: IServer;
  scan: string;
  layer: string;
  map: LabelMap;
  /** Revision that the map holds. */
  rev: number;
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
 * The map always shows the acknowledged revision with the waiting edits on top. When
 * others were faster, the waiting edits are lifted off, theirs are applied, and ours are
 * put back on top of them.
 */
export class Journal {
  constructor(private readonly _options: IJournalOptions) {
    this._rev = _options.rev;
    this._map = _options.map;
    this._pages = _options.pages ?? openPageLock();
    this._waiting = new Waiting(_options.map);
    this._kept = new Kept(
      ...([_options.store, this._pages] as const),
      ...([this.session, this._abort.signal] as const)
    );
    this._kept.changed.connect(() => this.stateChanged.emit(this._state));
  }

  readonly session = newSession();
  /** The state, the trouble, or where the edits are became different. */
  readonly stateChanged = new Emitter<SaveState>();
  /** Others came between; what the reader should know of. */
  readonly conflicted = new Emitter<IConflict[]>();
  /** An edit of a page that is gone was taken up, or one of another page came in. */
  readonly received = new Emitter<IDelta>();

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
    return this._rev;
  }

  get waiting(): number {
    return this._waiting.edits.length;
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
    this._waiting.edits.push(delta);
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
    this._pollWanted = true;
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
    return this._rev;
  }

  /** Leaves the map alone while a stroke is being drawn into it. */
  hold(): void {
    if (!this._release) {
      this._released = new Promise(resolve => {
        this._release = resolve;
      });
    }
  }

  release(): void {
    this._release?.();
    this._release = null;
    this._released = null;
  }

  dispose(): void {
    this._disposed = true;
    this.release();
    this._abort.abort();
    clearTimeout(this._timer);
    this.stateChanged.clear();
    this.conflicted.clear();
    this.received.clear();
  }

  /** Puts what a page that is gone left on top of what the map holds. */
  private async _takeUp(left: IDelta[]): Promise<void> {
    await this._released;
    if (this._disposed) {
      return;
    }
    const from = this.waiting;
    this._waiting.edits.push(...left);
    this._putBack({ mayHoldOurs: true, from });
    left.forEach(delta => this.received.emit(delta));
    if (this.waiting > 0) {
      this._setState('saving');
      void this._wake();
    }
  }

  private _putBack(options: { mayHoldOurs: boolean; from?: number }): void {
    const conflicts = this._waiting.putBack({
      ...options,
      forget: delta => this._forget(delta.session, delta.seq),
      keep: delta => this._kept.add(delta)
    });
    if (conflicts.length > 0) {
      this.conflicted.emit(conflicts);
    }
  }

  private _forget(session: string, seq: number): void {
    this._waiting.forget(session, seq);
    this._kept.remove(session, seq);
  }

  // The conversation with the server ----------------------------------------------------

  private _wake(): Promise<void> {
    this._running ??= this._run().finally(() => {
      this._running = null;
    });
    return this._running;
  }

  private _asDelta(edit: Edit, seq: number, { step, turn }: IPlace): IDelta {
    const { scan, layer, by } = this._options;
    return {
      ...{ ...edit, scan, layer, rev: null, base: this._rev + this.waiting },
      ...{ session: this.session, seq },
      ...(by && { by, ...(turn ? { turn } : { step: step ?? seq }) })
    };
  }

  /** One conversation at a time, so that revisions arrive in order. */
  private async _run(): Promise<void> {
    while (
      !this._disposed &&
      (this.waiting > 0 || this._pollWanted || this._reloadWanted)
    ) {
      try {
        if (this._reloadWanted) {
          await this._reload();
          this._reloadWanted = false;
        } else if (this.waiting > 0) {
          await this._send();
        } else {
          this._pollWanted = false;
          await this._fetchNews();
        }
        this._pause_ms = 0;
        this._trouble = null;
        this._setState(this.waiting > 0 ? 'saving' : 'saved');
      } catch (error) {
        if (this._disposed || isAbort(error)) {
          return;
        }
        this._pollWanted = false;
        this._failed(error);
        return;
      }
    }
  }

  private async _send(): Promise<void> {
    const { server, scan, layer } = this._options;
    // An earlier page's edit may be in the journal already: one at a time, so that the
    // revisions of the next ones are known.
    const { edits } = this._waiting;
    const isOurs = edits[0].session === this.session;
    const batch = edits.slice(0, isOurs ? EDITS_A_BODY : 1);
    batch.forEach((delta, at) => {
      delta.base = this._rev + at;
    });
    let replies: IFrame[];
    try {
      const body = joinFrames(batch.map(encodeDelta));
      const { signal } = this._abort;
      replies = splitFrames(await postOps(server, scan, layer, body, signal));
    } catch (error) {
      if (isOutOfStep(error)) {
        await this._catchUp(error);
        return;
      }
      throw error;
    }
    this._takeAcks(replies.filter(frame => frame.header.op === 'ack'));
  }

  private _takeAcks(frames: IFrame[]): void {
    this._refusals = 0;
    for (const { header } of frames) {
      const ack = header as unknown as IAck;
      this._forget(ack.session, ack.seq);
      if (ack.rev === this._rev + 1) {
        this._rev = ack.rev;
      } else if (ack.rev > this._rev) {
        // Others wrote in between: fetch what we lack, our own edit included.
        this._pollWanted = true;
      } else {
        // It was there already, and what came after it lies under it in the map.
        this._reloadWanted = true;
      }
    }
    if (frames.length === 0) {
      throw new ServerError(0, 'no-ack', 'The server acknowledged nothing.');
    }
  }

  /** After a refusal: brings in what others wrote; if that is not it, the whole layer. */
  private async _catchUp(refusal: ServerError): Promise<void> {
    const known = this._rev;
    await this._fetchNews();
    if (this._rev === known) {
      await this._reload();
    }
    this._refusals++;
    if (this._refusals > MOST_REFUSALS) {
      this._refusals = 0;
      throw refusal.code === 'locked' || refusal.status !== 409
        ? refusal
        : new ServerError(
            409,
            'stale',
            'The labels change faster than this page can follow. It tries again.'
          );
    }
  }

  private async _fetchNews(): Promise<void> {
    const { server, scan, layer } = this._options;
    const { signal } = this._abort;
    let frames: IFrame[];
    try {
      frames = splitFrames(
        await fetchOps(server, scan, layer, this._rev, signal)
      );
    } catch (error) {
      if (!(error instanceof ServerError && error.code === ANOTHER_HISTORY)) {
        throw error;
      }
      await this._reload(); // The layer was recovered without what we know.
      return;
    }
    const first = frames.length > 0 ? Number(frames[0].header.rev) : 0;
    if (first > this._rev + 1) {
      await this._reload();
    } else {
      await this._takeIn(frames);
    }
  }

  private async _reload(): Promise<void> {
    const { server, scan, layer } = this._options;
    const { signal } = this._abort;
    const body = await fetchSnapshot(server, scan, layer, signal);
    await this._takeIn([decodeFrame(body)]);
  }

  /** Brings in what the journal holds beyond our revision, below our waiting edits. */
  private async _takeIn(frames: IFrame[]): Promise<void> {
    if (frames.length === 0) {
      return;
    }
    await this._released;
    if (this._disposed) {
      return;
    }
    this._waiting.lift();
    for (const frame of frames) {
      if (frame.header.op === 'snapshot') {
        const { data, segments, marks, rev } = decodeSnapshot(frame);
        this._map.replace(data, segments, marks);
        this._rev = rev;
      } else if (frame.header.op === 'delta') {
        this._takeDelta(decodeDelta(frame));
      }
    }
    const mayHoldOurs = frames.some(({ header }) => header.op === 'snapshot');
    this._putBack({ mayHoldOurs });
  }

  private _takeDelta(delta: IDelta): void {
    const { rev, session, seq } = delta;
    if (rev === null || rev <= this._rev) {
      return;
    }
    applyEdit(this._map, delta);
    this._rev = rev;
    // Acknowledged without our hearing of it: the step of the history knows it already.
    const isOurs = this._waiting.find(session, seq) !== undefined;
    this._forget(session, seq);
    if (!isOurs && session !== this.session) {
      this.received.emit(delta);
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
      this._pollWanted ||= isVisible() || this._trouble !== null;
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

  private readonly _map: LabelMap;
  private readonly _pages: IPageLock;
  private readonly _waiting: Waiting;
  private readonly _kept: Kept;
  private _rev: number;
  private _seq = 0;
  private _refusals = 0;
  private _state: SaveState = 'saved';
  private _told = '';
  private _trouble: ITrouble | null = null;
  private _pollWanted = false;
  private _reloadWanted = false;
  private _pause_ms = 0;
  private _disposed = false;
  private _running: Promise<void> | null = null;
  private _released: Promise<void> | null = null;
  private _release: (() => void) | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _abort = new AbortController();
}

/** The server holds something else than we thought. */
function isOutOfStep(error: unknown): error is ServerError {
  return (
    error instanceof ServerError &&
    (error.status === 409 ||
      ['another-before', 'locked', ANOTHER_HISTORY].includes(error.code))
  );
}

function isVisible(): boolean {
  return (
    typeof document === 'undefined' || document.visibilityState !== 'hidden'
  );
}

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
  splitFrames
} from '../../server/frames';
import { fetchOps, fetchSnapshot, postOps } from '../../server/requests';

import { applyEdit, type Edit, inverted, rebased } from './delta';
import { Emitter } from '../emitter';
import type { LabelMap } from './label_map';
import type { IPendingStore } from './pending_store';

/** `saved`: all on the server's disk. `offline`: edits wait for the server to come back. */
export type SaveState = 'saved' | 'saving' | 'unsaved' | 'offline';

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 8000;
const POLL_MS = 2000;
const EDITS_A_BODY = 32;

/**
 * Sends edits to the layer's journal, in order, until the server acknowledged each; and
 * brings in what others wrote.
 *
 * The map always shows the acknowledged revision with the waiting edits on top. When
 * others were faster, the waiting edits are lifted off, theirs are applied, and ours are
 * put back on top of them.
 */
export class Journal {
  constructor(
    private readonly _server: IServer,
    private readonly _scan: string,
    private readonly _layer: string,
    private readonly _map: LabelMap,
    rev: number,
    private readonly _store: IPendingStore
  ) {
    this._rev = rev;
  }

  readonly session = newSession();
  readonly stateChanged = new Emitter<SaveState>();

  get state(): SaveState {
    return this._state;
  }

  /** Why edits cannot be saved, in one sentence; empty when they can. */
  get message(): string {
    return this._message;
  }

  get rev(): number {
    return this._rev;
  }

  get waiting(): number {
    return this._waiting.length;
  }

  /** Takes up what an earlier page could not send, then keeps in step with the server. */
  async start(): Promise<void> {
    for (const { session, seq, frame } of await this._store.all()) {
      const old = decodeDelta(decodeFrame(frame));
      const edit = rebased(this._map, old) ?? old;
      applyEdit(this._map, edit);
      this._waiting.push({ ...this._asDelta(edit), session, seq });
    }
    void this._wake();
    this._schedule(POLL_MS);
  }

  /** Takes an edit whose voxels are in the map already. */
  add(edit: Edit): void {
    const delta = this._asDelta(edit);
    this._waiting.push(delta);
    void this._store
      .add({
        session: delta.session,
        seq: delta.seq,
        frame: encodeDelta(delta)
      })
      .catch(() => undefined);
    this._setState(this._state === 'offline' ? 'offline' : 'saving');
    void this._wake();
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
  }

  private _asDelta(edit: Edit): IDelta {
    return {
      ...edit,
      scan: this._scan,
      layer: this._layer,
      rev: null,
      base: this._rev + this._waiting.length,
      session: this.session,
      seq: ++this._seq
    };
  }

  private _wake(): Promise<void> {
    this._running ??= this._run().finally(() => {
      this._running = null;
    });
    return this._running;
  }

  /** One conversation at a time, so that revisions arrive in order. */
  private async _run(): Promise<void> {
    while (!this._disposed && (this._waiting.length > 0 || this._pollWanted)) {
      try {
        if (this._waiting.length > 0) {
          await this._send();
        } else {
          this._pollWanted = false;
          await this._fetchNews();
        }
        this._pause_ms = 0;
        this._message = '';
        this._setState(this._waiting.length > 0 ? 'saving' : 'saved');
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
    // An earlier page's edit may be in the journal already: one at a time, so that the
    // revisions of the next ones are known.
    const isOurs = this._waiting[0].session === this.session;
    const batch = this._waiting.slice(0, isOurs ? EDITS_A_BODY : 1);
    batch.forEach((delta, at) => {
      delta.base = this._rev + at;
    });
    let replies: IFrame[];
    try {
      const body = joinFrames(batch.map(encodeDelta));
      replies = splitFrames(
        await postOps(
          this._server,
          this._scan,
          this._layer,
          body,
          this._abort.signal
        )
      );
    } catch (error) {
      if (isOutOfStep(error)) {
        await this._catchUp();
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
      }
    }
    if (frames.length === 0) {
      throw new ServerError(0, 'no-ack', 'The server acknowledged nothing.');
    }
  }

  private _forget(session: string, seq: number): void {
    const at = this._waiting.findIndex(
      delta => delta.session === session && delta.seq === seq
    );
    if (at >= 0) {
      this._waiting.splice(at, 1);
    }
    void this._store.remove(session, seq).catch(() => undefined);
  }

  /** After a refusal: brings in what others wrote; if that is not it, the whole layer. */
  private async _catchUp(): Promise<void> {
    const known = this._rev;
    await this._fetchNews();
    if (this._rev === known) {
      await this._reload();
    }
    this._refusals++;
    if (this._refusals > 8) {
      this._refusals = 0;
      throw new ServerError(
        409,
        'stale',
        'The labels change faster than this page can follow. It tries again.'
      );
    }
  }

  private async _fetchNews(): Promise<void> {
    const body = await fetchOps(
      this._server,
      this._scan,
      this._layer,
      this._rev,
      this._abort.signal
    );
    const frames = splitFrames(body);
    const first = frames.length > 0 ? Number(frames[0].header.rev) : 0;
    if (first > this._rev + 1) {
      await this._reload();
    } else {
      await this._takeIn(frames);
    }
  }

  private async _reload(): Promise<void> {
    const { signal } = this._abort;
    const body = await fetchSnapshot(
      this._server,
      this._scan,
      this._layer,
      signal
    );
    await this._takeIn([decodeFrame(body)]);
  }

  /** Brings in what the journal holds beyond our revision, below our waiting edits. */
  private async _takeIn(frames: IFrame[]): Promise<void> {
    const news = frames.filter(frame => frame.header.op !== 'ack');
    if (news.length === 0) {
      return;
    }
    await this._released;
    if (this._disposed) {
      return;
    }
    const waiting = [...this._waiting];
    for (const delta of [...waiting].reverse()) {
      applyEdit(this._map, inverted(delta));
    }
    for (const frame of news) {
      if (frame.header.op === 'snapshot') {
        const snapshot = decodeSnapshot(frame);
        this._map.replace(snapshot.data, snapshot.segments);
        this._rev = snapshot.rev;
        continue;
      }
      const delta = decodeDelta(frame);
      if ((delta.rev ?? 0) > this._rev) {
        applyEdit(this._map, delta);
        this._rev = delta.rev as number;
        this._forget(delta.session, delta.seq);
      }
    }
    for (const delta of [...this._waiting]) {
      const edit = rebased(this._map, delta);
      if (edit) {
        applyEdit(this._map, edit);
        Object.assign(delta, edit);
      } else {
        // Others drew the very same: nothing of it is left to save.
        this._forget(delta.session, delta.seq);
      }
    }
  }

  private _failed(error: unknown): void {
    const isOffline =
      error instanceof ServerError && (error.isOffline || error.status >= 500);
    this._message =
      error instanceof Error ? error.message : 'The server did not answer.';
    this._pause_ms = Math.min(
      LAST_RETRY_MS,
      Math.max(FIRST_RETRY_MS, this._pause_ms * 2)
    );
    this._setState(
      isOffline ? 'offline' : this._waiting.length ? 'unsaved' : 'saved'
    );
    // Spread out, so that many pages do not return to a restarted server at once.
    this._schedule(this._pause_ms * (0.75 + 0.5 * Math.random()));
  }

  private _schedule(after_ms: number): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._pollWanted = isVisible() || this._state === 'offline';
      void this._wake().then(() => {
        if (
          !this._disposed &&
          this._state !== 'offline' &&
          this._state !== 'unsaved'
        ) {
          this._schedule(POLL_MS);
        }
      });
    }, after_ms);
  }

  private _setState(state: SaveState): void {
    if (state !== this._state) {
      this._state = state;
      this.stateChanged.emit(state);
    }
  }

  private _rev: number;
  private _seq = 0;
  private _refusals = 0;
  private _state: SaveState = 'saved';
  private _message = '';
  private _pollWanted = false;
  private _pause_ms = 0;
  private _disposed = false;
  private _running: Promise<void> | null = null;
  private _released: Promise<void> | null = null;
  private _release: (() => void) | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _waiting: IDelta[] = [];
  private readonly _abort = new AbortController();
}

/** The server holds something else than we thought. */
function isOutOfStep(error: unknown): boolean {
  return (
    error instanceof ServerError &&
    (error.status === 409 || error.code === 'another-before')
  );
}

function isVisible(): boolean {
  return (
    typeof document === 'undefined' || document.visibilityState !== 'hidden'
  );
}

/** 8 hexadecimal digits that no other page has. */
export function newSession(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

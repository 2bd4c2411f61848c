import { type IServer, ServerError } from '../../server/connection';
import {
  decodeFrame,
  type IFrame,
  joinFrames,
  splitFrames
} from '../../server/frames';
import { fetchOps, fetchSnapshot, postOps } from '../../server/labels';
import {
  decodeDelta,
  decodeSnapshot,
  encodeDelta,
  type IAck,
  type IDelta
} from '../../server/messages';

import { Emitter } from '../emitter';
import { applyEdit } from './delta';
import type { Kept } from './kept';
import type { LabelMap } from './label_map';
import { type IConflict, Waiting } from './waiting';

const EDITS_A_BODY = 32;
const ANOTHER_HISTORY = 'another-history';
const MOST_REFUSALS = 8;

/** A layer of the server, and the map that shows it. */
export interface IExchangeOptions {
  server: IServer;
  scan: string;
  layer: string;
  map: LabelMap;
  /** Revision that the map holds. */
  rev: number;
}

/**
 * Gives edits to the server and takes in what others wrote, one request at a time, so
 * that revisions arrive in order. Whoever calls it decides when, and what to do after a
 * failure.
 *
 * The map always shows the acknowledged revision with the waiting edits on top. When
 * others were faster, the waiting edits are lifted off, theirs are applied, and ours are
 * put back on top of them.
 */
export class Exchange {
  /**
   * @param _session - of this page
   * @param _signal - ends with the journal
   */
  constructor(
    private readonly _options: IExchangeOptions,
    private readonly _kept: Kept,
    private readonly _session: string,
    private readonly _signal: AbortSignal
  ) {
    this._rev = _options.rev;
    this._map = _options.map;
    this._waiting = new Waiting(_options.map);
  }

  /** Others came between; what the reader should know of. */
  readonly conflicted = new Emitter<IConflict[]>();
  /** An edit of a page that is gone was taken up, or one of another page came in. */
  readonly received = new Emitter<IDelta>();

  /** Acknowledged: the map holds it, below the edits that wait. */
  get rev(): number {
    return this._rev;
  }

  get waiting(): number {
    return this._waiting.edits.length;
  }

  /** There is something to send, or to ask for. */
  get isDue(): boolean {
    return this.waiting > 0 || this._newsWanted || this._reloadWanted;
  }

  /** Resolves once no stroke is being drawn into the map. */
  get released(): Promise<void> | null {
    return this._released;
  }

  /** Takes an edit to send whose voxels are in the map already. */
  add(delta: IDelta): void {
    this._waiting.edits.push(delta);
  }

  /** Takes edits that a page that is gone left, and puts them on top of the map. */
  takeUp(left: IDelta[]): void {
    const from = this.waiting;
    this._waiting.edits.push(...left);
    this._putBack({ mayHoldOurs: true, from });
    left.forEach(delta => this.received.emit(delta));
  }

  /** Whether to ask what others wrote, once nothing waits. */
  wantNews(isWanted: boolean): void {
    this._newsWanted = isWanted;
  }

  /**
   * The one request that is due next.
   *
   * @throws ServerError when there is no answer, or a refusal that stays one
   */
  async next(): Promise<void> {
    if (this._reloadWanted) {
      await this._reload();
      this._reloadWanted = false;
    } else if (this.waiting > 0) {
      await this._send();
    } else {
      this._newsWanted = false;
      await this._fetchNews();
    }
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
    this.release();
    this.conflicted.clear();
    this.received.clear();
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

  /** The step of the history holds the same edit: it learns its place in the journal. */
  private _acknowledged(session: string, seq: number, rev: number): void {
    const delta = this._waiting.find(session, seq);
    if (delta) {
      delta.rev = rev;
    }
    this._forget(session, seq);
  }

  private async _send(): Promise<void> {
    const { server, scan, layer } = this._options;
    // An earlier page's edit may be in the journal already: one at a time, so that the
    // revisions of the next ones are known.
    const { edits } = this._waiting;
    const isOurs = edits[0].session === this._session;
    const batch = edits.slice(0, isOurs ? EDITS_A_BODY : 1);
    batch.forEach((delta, at) => {
      delta.base = this._rev + at;
    });
    let replies: IFrame[];
    try {
      const body = joinFrames(batch.map(encodeDelta));
      replies = splitFrames(
        await postOps(server, scan, layer, body, this._signal)
      );
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
      this._acknowledged(ack.session, ack.seq, ack.rev);
      if (ack.rev === this._rev + 1) {
        this._rev = ack.rev;
      } else if (ack.rev > this._rev) {
        // Others wrote in between: fetch what we lack, our own edit included.
        this._newsWanted = true;
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
    let frames: IFrame[];
    try {
      frames = splitFrames(
        await fetchOps(server, scan, layer, this._rev, this._signal)
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
    const body = await fetchSnapshot(server, scan, layer, this._signal);
    await this._takeIn([decodeFrame(body)]);
  }

  /** Brings in what the journal holds beyond our revision, below our waiting edits. */
  private async _takeIn(frames: IFrame[]): Promise<void> {
    if (frames.length === 0) {
      return;
    }
    await this._released;
    if (this._signal.aborted) {
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
    this._acknowledged(session, seq, rev);
    if (!isOurs && session !== this._session) {
      this.received.emit(delta);
    }
  }

  private readonly _map: LabelMap;
  private readonly _waiting: Waiting;
  private _rev: number;
  private _refusals = 0;
  private _newsWanted = false;
  private _reloadWanted = false;
  private _released: Promise<void> | null = null;
  private _release: (() => void) | null = null;
}

/** The server holds something else than we thought. */
function isOutOfStep(error: unknown): error is ServerError {
  return (
    error instanceof ServerError &&
    (error.status === 409 ||
      ['another-before', 'locked', ANOTHER_HISTORY].includes(error.code))
  );
}

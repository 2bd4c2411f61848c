import { decodeFrame } from '../../server/frames';
import { encodeDelta, decodeDelta, type IDelta } from '../../server/messages';

import { Emitter } from '../emitter';
import type { IPageLock } from './page_lock';
import type { IPendingEdit, IPendingStore } from './pending_store';

/**
 * What the browser keeps of a page's edits, and of those that pages before it left.
 *
 * An edit is put there before anything else can lose it, and taken out once the server
 * acknowledged it.
 */
export class Kept {
  /** @param _session - of this page */
  constructor(
    private readonly _store: IPendingStore,
    private readonly _pages: IPageLock,
    private readonly _session: string,
    private readonly _signal: AbortSignal
  ) {
    this._fails = !_store.isDurable;
  }

  /** Whether edits are kept at all became different. */
  readonly changed = new Emitter<void>();

  /** All that was given to it would be there again in a reloaded page. */
  get isComplete(): boolean {
    return this._unkept.size === 0;
  }

  /** The browser keeps nothing for a page that is closed. */
  get fails(): boolean {
    return this._fails;
  }

  /** Keeps an edit; one of the same number is replaced. */
  add(delta: IDelta): void {
    const key = keyOf(delta);
    this._unkept.add(key);
    this._put(delta).then(
      () => {
        this._unkept.delete(key);
        this._note(!this._store.isDurable);
      },
      () => this._note(true)
    );
  }

  /**
   * Keeps a stroke that is still being drawn, under the number of the next edit: that
   * edit takes its place.
   */
  addUnfinished(delta: IDelta): void {
    this._put(delta).catch(() => this._note(true));
  }

  remove(session: string, seq: number): void {
    this._unkept.delete(keyOf({ session, seq }));
    void this._store.remove(session, seq).catch(() => undefined);
  }

  /**
   * Finds what pages left that are gone; a live tab's edits are its own until it dies.
   *
   * @param take - called with the edits of one such page, oldest first
   */
  async takeUp(take: (left: IDelta[]) => void | Promise<void>): Promise<void> {
    for (const session of new Set((await this._all()).map(of => of.session))) {
      if (session === this._session || this._known.has(session)) {
        continue;
      }
      this._known.add(session);
      if (await this._pages.tryTakeOver(session, this._signal)) {
        await take(await this._of(session));
      } else {
        void this._pages.takeOver(session, this._signal).then(async isOurs => {
          if (isOurs) {
            await take(await this._of(session));
          }
        });
      }
    }
  }

  private async _of(session: string): Promise<IDelta[]> {
    const left = await this._all();
    return left
      .filter(edit => edit.session === session)
      .flatMap(({ frame }) => {
        try {
          return [decodeDelta(decodeFrame(frame))];
        } catch {
          return []; // Of another version, or damaged; it stays where it is.
        }
      });
  }

  private _all(): Promise<IPendingEdit[]> {
    return this._store.all().catch(() => []);
  }

  private _put(delta: IDelta): Promise<void> {
    const { session, seq } = delta;
    return this._store.add({ session, seq, frame: encodeDelta(delta) });
  }

  private _note(fails: boolean): void {
    this._fails = fails;
    this.changed.emit();
  }

  /** Sessions of other pages whose edits were found. */
  private readonly _known = new Set<string>();
  private readonly _unkept = new Set<string>();
  private _fails: boolean;
}

function keyOf({ session, seq }: { session: string; seq: number }): string {
  return `${session}/${seq}`;
}

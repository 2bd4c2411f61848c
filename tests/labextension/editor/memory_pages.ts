import type { IPageLock } from '../../../labextension/src/editor/labels/page_lock';

/** A browser's locks in memory: pages of one browser share it. */
export class MemoryPages implements IPageLock {
  hold(session: string, signal: AbortSignal): void {
    this._holders.set(session, signal);
    signal.addEventListener('abort', () => {
      if (this._holders.get(session) === signal) {
        this._holders.delete(session);
      }
      const next = this._queue.find(each => each.session === session);
      if (next) {
        this._queue.splice(this._queue.indexOf(next), 1);
        this.hold(session, next.signal);
        next.resolve(true);
      }
    });
  }

  tryTakeOver(session: string, signal: AbortSignal): Promise<boolean> {
    const isFree = !this._holders.has(session);
    if (isFree) {
      this.hold(session, signal);
    }
    return Promise.resolve(isFree);
  }

  async takeOver(session: string, signal: AbortSignal): Promise<boolean> {
    if (await this.tryTakeOver(session, signal)) {
      return true;
    }
    return new Promise(resolve => {
      this._queue.push({ session, signal, resolve });
      signal.addEventListener('abort', () => resolve(false));
    });
  }

  private readonly _holders = new Map<string, AbortSignal>();
  private readonly _queue: {
    session: string;
    signal: AbortSignal;
    resolve: (isMine: boolean) => void;
  }[] = [];
}

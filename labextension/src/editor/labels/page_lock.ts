/**
 * Tells whether the page that left edits behind is gone.
 *
 * Each page holds a lock of its session's name as long as it lives, also while it is
 * hidden or frozen; the browser frees it when the page dies, however it dies.
 */
export interface IPageLock {
  /** Holds the page's own lock, until `signal` is aborted. */
  hold(session: string, signal: AbortSignal): void;
  /** Takes over a session whose page is gone; false when it lives. */
  tryTakeOver(session: string, signal: AbortSignal): Promise<boolean>;
  /** Resolves with true once that page is gone; false when `signal` was aborted first. */
  takeOver(session: string, signal: AbortSignal): Promise<boolean>;
}

export function openPageLock(): IPageLock {
  const locks = typeof navigator === 'undefined' ? undefined : navigator.locks;
  return locks ? new WebLock(locks) : new ChannelLock();
}

class WebLock implements IPageLock {
  constructor(private readonly _locks: LockManager) {}

  hold(session: string, signal: AbortSignal): void {
    void this._locks.request(nameOf(session), () => until(signal));
  }

  tryTakeOver(session: string, signal: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      this._locks
        .request(nameOf(session), { ifAvailable: true }, lock => {
          resolve(lock !== null);
          return lock ? until(signal) : undefined;
        })
        .catch(() => resolve(false));
    });
  }

  takeOver(session: string, signal: AbortSignal): Promise<boolean> {
    return new Promise(resolve => {
      this._locks
        .request(nameOf(session), { signal }, () => {
          resolve(!signal.aborted);
          return until(signal);
        })
        .catch(() => resolve(false));
    });
  }
}

const ANSWER_MS = 300;
const ASK_AGAIN_MS = 5000;

/**
 * Where the browser gives no locks (a page over plain HTTP): pages ask one another. A
 * frozen page cannot answer; an edit that two pages send is still written once.
 */
class ChannelLock implements IPageLock {
  hold(session: string, signal: AbortSignal): void {
    const channel = openChannel();
    channel?.addEventListener('message', ({ data }) => {
      if (data?.ask === session) {
        channel.postMessage({ here: session });
      }
    });
    signal.addEventListener('abort', () => channel?.close());
  }

  async tryTakeOver(session: string, signal: AbortSignal): Promise<boolean> {
    const channel = openChannel();
    if (!channel) {
      return true;
    }
    const lives = await new Promise<boolean>(resolve => {
      channel.addEventListener(
        'message',
        ({ data }) => data?.here === session && resolve(true)
      );
      channel.postMessage({ ask: session });
      setTimeout(() => resolve(false), ANSWER_MS);
    });
    channel.close();
    if (!lives) {
      this.hold(session, signal);
    }
    return !lives;
  }

  async takeOver(session: string, signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (await this.tryTakeOver(session, signal)) {
        return true;
      }
      await new Promise(resolve => setTimeout(resolve, ASK_AGAIN_MS));
    }
    return false;
  }
}

function openChannel(): BroadcastChannel | null {
  return typeof BroadcastChannel === 'undefined'
    ? null
    : new BroadcastChannel('medlab-pages');
}

function nameOf(session: string): string {
  return `medlab-page-${session}`;
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) {
      resolve();
    }
    signal.addEventListener('abort', () => resolve());
  });
}

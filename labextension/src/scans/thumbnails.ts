import { isAbort, type IServer } from '../server/connection';
import { fetchThumbnail } from '../server/scans';

/** More at once would make the server decode scans nobody looks at any more. */
const AT_ONCE = 3;
const KEPT = 300;

/**
 * Thumbnails as object URLs, fetched when a row asks and revoked when long unused.
 *
 * `load` is called by rows in view only; a row that scrolls away aborts its request.
 */
export class Thumbnails {
  constructor(private readonly _server: IServer) {}

  /** The picture, if it is there already. */
  known(key: string): string | null {
    const url = this._urls.get(key);
    if (url) {
      // Last used, last to go.
      this._urls.delete(key);
      this._urls.set(key, url);
    }
    return url ?? null;
  }

  /**
   * Fetches the picture of a scan.
   *
   * @param key - changes when the picture may have changed
   * @returns an object URL that this store revokes, or null if there is no picture
   */
  async load(
    key: string,
    scan: string,
    signal: AbortSignal
  ): Promise<string | null> {
    await this._turn(signal);
    try {
      const known = this.known(key);
      if (known || signal.aborted || this._isDisposed) {
        return known;
      }
      const picture = await fetchThumbnail(this._server, scan, signal);
      return this._isDisposed ? null : this._keep(key, picture);
    } catch (error) {
      if (isAbort(error)) {
        return null;
      }
      throw error;
    } finally {
      this._running -= 1;
      // All of them: the first may have scrolled away meanwhile.
      this._waiting.splice(0).forEach(wake => wake());
    }
  }

  dispose(): void {
    this._isDisposed = true;
    for (const url of this._urls.values()) {
      URL.revokeObjectURL(url);
    }
    this._urls.clear();
  }

  private _keep(key: string, picture: Blob): string {
    const url = URL.createObjectURL(picture);
    const before = this._urls.get(key);
    if (before) {
      URL.revokeObjectURL(before);
      this._urls.delete(key);
    }
    this._urls.set(key, url);
    for (const [oldest, oldUrl] of this._urls) {
      if (this._urls.size <= KEPT) {
        break;
      }
      URL.revokeObjectURL(oldUrl);
      this._urls.delete(oldest);
    }
    return url;
  }

  private async _turn(signal: AbortSignal): Promise<void> {
    while (this._running >= AT_ONCE && !signal.aborted) {
      await new Promise<void>(resolve => {
        this._waiting.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this._running += 1;
  }

  private _isDisposed = false;
  private _running = 0;
  private readonly _urls = new Map<string, string>();
  private readonly _waiting: (() => void)[] = [];
}

import { isAbort, ServerError } from '../server/connection';

/** Rows in one request. */
export const PAGE = 100;
/** Rows that fly past are not worth a request. */
const PAUSE_MS = 30;
/** A server that has enough to do is left alone for so long. */
const BUSY_MS = 500;
/** More pages are forgotten, those least looked at first. */
const KEPT = 80;

export interface IFetched<T> {
  rows: readonly T[];
  /** Rows of the whole list. */
  total: number;
}

export type FetchRows<T> = (
  offset: number,
  limit: number,
  signal: AbortSignal
) => Promise<IFetched<T>>;

/**
 * A long list of which only the pages that were looked at are here.
 *
 * `want` says what is in view; what is missing of it is asked for after a short pause, and
 * what nobody looks at any more is asked for no longer.
 */
export class Pages<T> {
  /**
   * @param _heard - called after rows came, or with the reason why none did
   */
  constructor(
    private readonly _fetch: FetchRows<T>,
    private readonly _heard: (error?: unknown) => void
  ) {}

  /** Rows of the whole list; 0 until the first reply. */
  get total(): number {
    return this._total;
  }

  /** The first reply is here. */
  get isKnown(): boolean {
    return this._isKnown;
  }

  row(place: number): T | undefined {
    return this._pages.get(Math.floor(place / PAGE))?.[place % PAGE];
  }

  /** Places and rows that are here, in order. */
  *loaded(): Generator<[number, T]> {
    for (const page of [...this._pages.keys()].sort((a, b) => a - b)) {
      for (const [index, row] of (this._pages.get(page) ?? []).entries()) {
        yield [page * PAGE + index, row];
      }
    }
  }

  /** Asks for the first rows at once. */
  start(): Promise<void> {
    return this._load(0);
  }

  /** What is in view: `from` to `to`, the last not included. */
  want(from: number, to: number): void {
    this._wanted = [
      Math.floor(Math.max(0, from) / PAGE),
      Math.floor(Math.max(0, to - 1) / PAGE)
    ];
    for (const [page, aborter] of this._asked) {
      if (page > 0 && !this._isWanted(page)) {
        aborter.abort();
        this._asked.delete(page);
      }
    }
    if (this._timer === null && this._missing().length > 0) {
      this._timer = setTimeout(() => {
        this._timer = null;
        this._missing().forEach(page => void this._load(page));
      }, PAUSE_MS);
    }
  }

  /**
   * The rows `from` to `to`, the last not included, fetched where they are missing.
   *
   * @throws ServerError
   */
  async all(from: number, to: number): Promise<T[]> {
    const rows: T[] = [];
    for (let page = Math.floor(from / PAGE); page * PAGE < to; page++) {
      if (!this._pages.has(page)) {
        const offset = page * PAGE;
        const { signal } = this._closed;
        this._take(page, await this._fetch(offset, PAGE, signal));
      }
      const start = page * PAGE;
      rows.push(
        ...(this._pages.get(page) ?? []).slice(
          Math.max(0, from - start),
          to - start
        )
      );
    }
    return rows;
  }

  /** The list has changed: shows what is here until the new rows come. */
  refresh(): void {
    this._asked.forEach(aborter => aborter.abort());
    this._asked.clear();
    const [first, last] = this._wanted;
    for (const page of this._pages.keys()) {
      if (page >= first && page <= last) {
        void this._load(page);
      } else {
        this._pages.delete(page);
      }
    }
  }

  get isDisposed(): boolean {
    return this._closed.signal.aborted;
  }

  dispose(): void {
    this._closed.abort();
    this._asked.forEach(aborter => aborter.abort());
    this._asked.clear();
    if (this._timer !== null) {
      clearTimeout(this._timer);
    }
  }

  private async _load(page: number): Promise<void> {
    const aborter = new AbortController();
    this._asked.set(page, aborter);
    try {
      const offset = page * PAGE;
      const fetched = await this._fetch(offset, PAGE, aborter.signal);
      if (aborter.signal.aborted || this.isDisposed) {
        return;
      }
      this._take(page, fetched);
      this._heard();
    } catch (error) {
      if (isAbort(error) || aborter.signal.aborted) {
        return;
      }
      if (error instanceof ServerError && error.status === 429) {
        // The server has enough to do: the same request again a little later.
        await new Promise(resolve => setTimeout(resolve, BUSY_MS));
        if (!aborter.signal.aborted && !this.isDisposed) {
          await this._load(page);
        }
        return;
      }
      this._heard(error);
    } finally {
      if (this._asked.get(page) === aborter) {
        this._asked.delete(page);
      }
    }
  }

  private _take(page: number, { rows, total }: IFetched<T>): void {
    this._isKnown = true;
    this._total = total;
    this._pages.delete(page);
    this._pages.set(page, rows);
    for (const old of this._pages.keys()) {
      // The first one stays, also empty: it is what a changed list is asked for.
      const isPast = old > 0 && old * PAGE >= total;
      if (isPast || (this._pages.size > KEPT && !this._isWanted(old))) {
        this._pages.delete(old);
      }
    }
  }

  private _missing(): number[] {
    const [first, last] = this._wanted;
    const missing: number[] = [];
    for (let page = first; page <= last && page * PAGE < this._total; page++) {
      if (!this._pages.has(page) && !this._asked.has(page)) {
        missing.push(page);
      }
    }
    return missing;
  }

  private _isWanted(page: number): boolean {
    return page >= this._wanted[0] && page <= this._wanted[1];
  }

  private readonly _asked = new Map<number, AbortController>();
  private readonly _closed = new AbortController();
  private _isKnown = false;
  private readonly _pages = new Map<number, readonly T[]>();
  private _timer: ReturnType<typeof setTimeout> | null = null;
  private _total = 0;
  private _wanted: [number, number] = [0, 0];
}

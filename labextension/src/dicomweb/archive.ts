import { Signal } from '@lumino/signaling';

import { isAbort, type IServer, ServerError } from '../server/connection';
import {
  cancelFetch,
  fetchJobs,
  fetchServers,
  type IArchiveServer,
  type IFetchJob,
  type IFoundSeries,
  searchSeries,
  startFetch
} from '../server/dicomweb';

/** How often fetches that are on their way are looked at. */
const LOOK_MS = 700;

/** What the administrator's servers have, and what is fetched from them. */
export class Archive {
  constructor(readonly server: IServer) {}

  readonly changed = new Signal<this, void>(this);

  /** A fetch ended well: there is a new scan. */
  readonly arrived = new Signal<this, IFetchJob>(this);

  /** Empty where none is set up. */
  get servers(): readonly IArchiveServer[] {
    return this._servers;
  }

  get chosen(): IArchiveServer | null {
    return (
      this._servers.find(one => one.name === this._chosen) ??
      this._servers[0] ??
      null
    );
  }

  /** The series of the last search; null before the first. */
  get found(): readonly IFoundSeries[] | null {
    return this._found;
  }

  get more(): boolean {
    return this._more;
  }

  get isSearching(): boolean {
    return this._searching !== null;
  }

  /** Why the last request failed; null after one that did not. */
  get error(): ServerError | null {
    return this._error;
  }

  /** Where a series is on its way, or how that ended. */
  jobOf(series: string): IFetchJob | null {
    const here = (job: IFetchJob) =>
      job.series === series && job.server === this.chosen?.name;
    return this._jobs.find(here) ?? null;
  }

  /** Asks which servers there are, and whether something is on its way already. */
  async load(): Promise<void> {
    this._servers = await fetchServers(this.server);
    this.changed.emit();
    if (this._servers.length > 0) {
      await this._look();
    }
  }

  choose(name: string): void {
    this._searching?.abort();
    this._searching = null;
    this._chosen = name;
    this._found = null;
    this._error = null;
    this.changed.emit();
  }

  /** Searches the chosen server; a search that is under way is given up. */
  async search(words: string, showsNames: boolean): Promise<void> {
    const archive = this.chosen;
    if (!archive) {
      return;
    }
    this._searching?.abort();
    const searching = new AbortController();
    this._searching = searching;
    this._error = null;
    this.changed.emit();
    try {
      const query = { words, private: showsNames };
      const { signal } = searching;
      const list = await searchSeries(this.server, archive.name, query, signal);
      if (this._searching === searching) {
        this._found = list.series;
        this._more = list.more;
      }
    } catch (error) {
      if (this._searching === searching && !isAbort(error)) {
        this._found = null;
        this._error = asServerError(error);
      }
    } finally {
      if (this._searching === searching) {
        this._searching = null;
        this.changed.emit();
      }
    }
  }

  async fetch(series: IFoundSeries): Promise<void> {
    const archive = this.chosen;
    if (archive) {
      await this._try(async () => {
        this._note(await startFetch(this.server, archive.name, series));
        this._follow();
      });
    }
  }

  async cancel(job: IFetchJob): Promise<void> {
    await this._try(() => cancelFetch(this.server, job.id));
    await this._look();
  }

  dispose(): void {
    clearTimeout(this._timer);
    this._isDisposed = true;
    this._searching?.abort();
    Signal.clearData(this);
  }

  private async _try(work: () => Promise<void>): Promise<void> {
    this._error = null;
    try {
      await work();
    } catch (error) {
      this._error = asServerError(error);
    }
    this.changed.emit();
  }

  private _note(job: IFetchJob): void {
    const others = this._jobs.filter(other => other.id !== job.id);
    this._jobs = [job, ...others];
  }

  private _follow(): void {
    clearTimeout(this._timer);
    if (!this._isDisposed && this._jobs.some(isOnItsWay)) {
      this._timer = setTimeout(() => void this._look(), LOOK_MS);
    }
  }

  private async _look(): Promise<void> {
    const before = this._jobs;
    try {
      this._jobs = await fetchJobs(this.server);
    } catch {
      // Nothing is lost: the next look may find the server again.
      this._follow();
      return;
    }
    for (const job of this._jobs) {
      const was = before.find(other => other.id === job.id);
      if (job.state === 'finished' && was && isOnItsWay(was)) {
        this._arrive(job);
      }
    }
    this._follow();
    this.changed.emit();
  }

  private _arrive(job: IFetchJob): void {
    const found = this._found?.map(one =>
      one.series === job.series
        ? { ...one, scan: job.scan, path: job.path }
        : one
    );
    this._found = found ?? null;
    this.arrived.emit(job);
  }

  private _chosen = '';
  private _error: ServerError | null = null;
  private _found: readonly IFoundSeries[] | null = null;
  private _isDisposed = false;
  private _jobs: readonly IFetchJob[] = [];
  private _more = false;
  private _searching: AbortController | null = null;
  private _servers: readonly IArchiveServer[] = [];
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

export function isOnItsWay(job: IFetchJob): boolean {
  return job.state === 'waiting' || job.state === 'running';
}

function asServerError(error: unknown): ServerError {
  return error instanceof ServerError
    ? error
    : new ServerError(0, 'unreadable-reply', String(error));
}

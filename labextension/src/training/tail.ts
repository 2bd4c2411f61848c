import { isAbort, type IServer, ServerError } from '../server/connection';
import { fetchMetrics, fetchRun, postControl } from '../server/runs';
import type { IRunStatus, RunCommand, RunState } from '../server/types';
import { RunHistory } from './series';

const ENDED: readonly RunState[] = ['finished', 'stopped', 'failed', 'lost'];
const ENDED_RUN_PAUSE_MS = 3000;
const RETRY_MS = 1000;

/** The run takes no more commands. */
export function isEnded(state: RunState): boolean {
  return ENDED.includes(state);
}

/** A command on its way: asked for, or acted upon. */
export interface IRequestedCommand {
  cmd: RunCommand;
  args: Record<string, unknown>;
  /** Number that the server gave it; null until it did. */
  seq: number | null;
  state: 'requested' | 'acknowledged' | 'refused';
  message: string;
}

/**
 * Follows the log of one run from its first byte, as long as somebody looks.
 *
 * Framework-free: the sidebar and the notebook widget share it.
 */
export class RunTail {
  /**
   * @param wait_s - how long the server may hold a reply back; 0 asks every two seconds
   *   instead, for runs that are only compared (a browser has few connections to spare)
   */
  constructor(
    private readonly _server: IServer,
    readonly run: string,
    private readonly _changed: () => void,
    public wait_s = 8
  ) {}

  readonly history = new RunHistory();
  status: IRunStatus | null = null;
  error: ServerError | null = null;
  command: IRequestedCommand | null = null;
  /** The whole log was read once: nothing is missing any more. */
  isComplete = false;
  /** What the run follows: undefined until it is known, null if it has none. */
  recipe: Record<string, unknown> | null | undefined = undefined;

  /** How long the run is in its state, by the trainer's own clock; null if unknown. */
  get inState_s(): number | null {
    const { since } = this.history;
    return since === null || this._clockLag_s === null
      ? null
      : Math.max(0, Date.now() / 1000 - this._clockLag_s - since);
  }

  get isFollowing(): boolean {
    return this._aborter !== null;
  }

  follow(): void {
    if (!this._aborter) {
      this._aborter = new AbortController();
      void this._loop(this._aborter.signal);
    }
  }

  pause(): void {
    this._aborter?.abort();
    this._aborter = null;
  }

  /** Asks the trainer for something; `command` says how far that went. */
  async ask(
    cmd: RunCommand,
    args: Record<string, unknown> = {}
  ): Promise<void> {
    const command: IRequestedCommand = {
      cmd,
      args,
      seq: null,
      state: 'requested',
      message: ''
    };
    this.command = command;
    this._changed();
    try {
      const { seq } = await postControl(this._server, this.run, cmd, args);
      command.seq = seq;
      this._acknowledge();
    } catch (error) {
      command.state = 'refused';
      command.message = error instanceof Error ? error.message : String(error);
    }
    this._changed();
  }

  private async _loop(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let pause_ms = 0;
      try {
        pause_ms = await this._read(signal);
        this.error = null;
      } catch (error) {
        if (isAbort(error) || signal.aborted) {
          return;
        }
        this.error =
          error instanceof ServerError
            ? error
            : new ServerError(0, 'unreadable-reply', String(error));
        pause_ms = RETRY_MS;
      }
      this._changed();
      if (pause_ms > 0) {
        await pause(pause_ms, signal);
      }
    }
  }

  /** Reads once; returns how long to rest before the next time. */
  private async _read(signal: AbortSignal): Promise<number> {
    // The first readings catch up and never wait.
    const wait_s = this.isComplete && !this._isOver() ? this.wait_s : 0;
    const tail = await fetchMetrics(
      this._server,
      this.run,
      this._next,
      wait_s,
      signal
    );
    this.history.add(tail.lines);
    this._next = tail.next;
    this.status = tail.status;
    this._compareClocks();
    this._acknowledge();
    if (this._needsRecipe) {
      await this._readRecipe(signal);
    }
    if (tail.lines.length > 0 && !this.isComplete) {
      return 0;
    }
    this.isComplete = true;
    if (this._isOver()) {
      return ENDED_RUN_PAUSE_MS;
    }
    return this.wait_s > 0 ? 20 : 2000;
  }

  /** The trainer completes its recipe once it has seen the data: with the first step. */
  private get _needsRecipe(): boolean {
    const hasBegun = this.history.step > 0;
    return this.recipe === undefined || (hasBegun && !this._isRecipeWhole);
  }

  private async _readRecipe(signal: AbortSignal): Promise<void> {
    this._isRecipeWhole = this.history.step > 0;
    try {
      const { recipe } = await fetchRun(this._server, this.run, signal);
      this.recipe = recipe && Object.keys(recipe).length > 0 ? recipe : null;
    } catch (error) {
      if (isAbort(error)) {
        this._isRecipeWhole = false;
        throw error;
      }
      // The curves are worth more than the recipe: it is only told to be missing.
      this.recipe = null;
    }
  }

  /** A heartbeat is a moment old at least: the least lag seen is the nearest. */
  private _compareClocks(): void {
    const heartbeat = this.status?.heartbeat;
    if (typeof heartbeat === 'number') {
      const lag_s = Date.now() / 1000 - heartbeat;
      this._clockLag_s = Math.min(lag_s, this._clockLag_s ?? Infinity);
    }
  }

  private _isOver(): boolean {
    return this.status !== null && isEnded(this.status.state);
  }

  private _acknowledge(): void {
    const { command, status } = this;
    if (command?.state === 'requested' && command.seq !== null && status) {
      if ((status.ack_seq ?? 0) >= command.seq) {
        command.state = 'acknowledged';
      } else if (isEnded(status.state)) {
        command.state = 'refused';
        command.message = `The run is ${status.state}.`;
      }
    }
  }

  private _aborter: AbortController | null = null;
  private _clockLag_s: number | null = null;
  private _isRecipeWhole = false;
  private _next = 0;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

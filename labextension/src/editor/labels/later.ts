/** Milliseconds of work at a time, short enough for a smooth stroke. */
const SLICE_MS = 5;

/** Work that pauses now and then, with something as its outcome. */
export type Work<T> = Generator<void, T>;

/** Does one piece of work in slices between the page's events, or at once when asked. */
export class Later<T> {
  get isBusy(): boolean {
    return this._work !== null;
  }

  /** @param done - called once, with the outcome */
  start(work: Work<T>, done: (outcome: T) => void): void {
    this.finish();
    this._work = work;
    this._done = done;
    this._slice();
  }

  /** Does what is left now. */
  finish(): void {
    this._run(Infinity);
  }

  private _slice(): void {
    this._run(performance.now() + SLICE_MS);
    if (this._work) {
      this._timer = setTimeout(() => this._slice());
    }
  }

  private _run(until: number): void {
    clearTimeout(this._timer);
    const work = this._work;
    while (work && this._work === work) {
      const step = work.next();
      if (step.done) {
        this._work = null;
        this._done?.(step.value);
      } else if (performance.now() >= until) {
        return;
      }
    }
  }

  private _work: Work<T> | null = null;
  private _done: ((outcome: T) => void) | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

/** Does the whole of it now. */
export function finished<T>(work: Work<T>): T {
  let step = work.next();
  while (!step.done) {
    step = work.next();
  }
  return step.value;
}

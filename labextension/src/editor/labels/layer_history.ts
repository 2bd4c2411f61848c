import { splitFrames } from '../../server/frames';
import { decodeDelta, type IDelta } from '../../server/messages';

import { History } from './history';

/** An author's steps on the layer that is shown, those of earlier pages included. */
export class LayerHistory extends History {
  /** What earlier pages, or another one of the same author, did is in it. */
  get isRestored(): boolean {
    return this._early === null;
  }

  override fold(delta: IDelta): void {
    this._early?.push(delta);
    super.fold(delta);
  }

  /** Begins anew, for another layer. */
  override clear(): void {
    super.clear();
    this._early = [];
  }

  /** @param ask - fetches the server's frames of it, oldest first */
  async restore(ask: () => Promise<ArrayBuffer>): Promise<void> {
    try {
      const body = await ask();
      const early = this._early ?? [];
      super.clear();
      splitFrames(body).forEach(frame => super.fold(decodeDelta(frame)));
      early.forEach(delta => super.fold(delta));
    } catch {
      // Without it, undo reaches back to the opening of the page.
    }
    this._early = null;
  }

  /** What was done before the history of earlier pages is here; null once it is. */
  private _early: IDelta[] | null = [];
}

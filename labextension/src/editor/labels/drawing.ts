import type { Edit } from './delta';
import type { Journal } from './journal';
import { Later, type Work } from './later';

/** A stroke in the making, and the edit that is made of it once it has ended. */
export class Drawing {
  /** @param _journal - of the layer that is shown now; null without one */
  constructor(private readonly _journal: () => Journal | null) {}

  /** A stroke is in the making: until it ends nothing else changes voxels. */
  get isDrawing(): boolean {
    return this._isDrawing;
  }

  /** It has ended, and its edit is still being made. */
  get isCoding(): boolean {
    return this._coder.isBusy;
  }

  /**
   * A stroke begins: others' edits wait until it was dropped or coded.
   *
   * @param soFar - the edit that the stroke is up to now, should the page die
   */
  begin(soFar: (() => Edit | null) | null): void {
    this._isDrawing = true;
    this._soFar = soFar;
    this._journal()?.hold();
  }

  /** It came to nothing. */
  drop(): void {
    this.forget();
    this._isDrawing = false;
    this._soFar = null;
    this._journal()?.release();
  }

  /** It has ended: makes its edit between other events. */
  code(coding: Work<Edit | null>, done: (edit: Edit | null) => void): void {
    this._isDrawing = false;
    this._soFar = null;
    this._coder.start(coding, edit => {
      this._journal()?.release();
      done(edit);
    });
  }

  /** Makes the rest of its edit now. */
  finish(): void {
    this._coder.finish();
  }

  /** The page may be gone in a moment: puts the stroke into the browser's store. */
  keep(): void {
    const edit = this._soFar?.();
    if (edit) {
      void this._journal()?.keepUnfinished(edit);
      this._isStored = true;
    }
  }

  /** An edit of the session took the place of what `keep` stored. */
  replaced(): void {
    this._isStored = false;
  }

  /** Takes out of the browser's store what `keep` put there. */
  forget(): void {
    if (this._isStored) {
      this._isStored = false;
      void this._journal()?.keepUnfinished(null);
    }
  }

  private _isDrawing = false;
  private _isStored = false;
  private _soFar: (() => Edit | null) | null = null;
  private readonly _coder = new Later<Edit | null>();
}

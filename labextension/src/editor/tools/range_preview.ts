import type { IEditorContext } from '../context';

/** Tints, in all planes, the intensities that the chosen tool keeps to. */
export class RangePreview {
  constructor(private readonly _context: IEditorContext) {
    this._stop = [
      _context.settings.changed.connect(() => this._show()),
      _context.scene.labels.changed.connect(({ segments }) => {
        if (segments) {
          this._show();
        }
      })
    ];
    this._show();
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
  }

  private _show(): void {
    const { settings, scene, planes, hasTools, color } = this._context;
    const { low, high, isRangeShown } = settings.values;
    const isGrey = scene.volume.info.channels === 1;
    const isShown = hasTools && isGrey && isRangeShown && settings.hasRange;
    for (const view of planes.views) {
      view.showRange(isShown ? { low, high, color } : null);
    }
  }

  private readonly _stop: (() => void)[];
}

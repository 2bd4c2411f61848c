import type { SliceEditor } from '../editor';
import { ViewPanel } from '../view3d/panel';
import type { IView3DModule } from '../view3d/types';

/** Milliseconds the window must stand still before the 3D view follows it. */
const SETTLED_MS = 250;

/** Keeps the 3D view in an editor's fourth cell equal to what the planes show. */
export class Scene3D {
  constructor(
    private _editor: SliceEditor,
    host: HTMLElement,
    load: () => Promise<IView3DModule>,
    trans: (text: string) => string
  ) {
    this._panel = new ViewPanel(host, load, trans);
    this._panel.say(trans('Preparing the 3D view…'));
    void this._show();
  }

  dispose(): void {
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    this._disconnect.forEach(off => off());
    this._panel.dispose();
  }

  private async _show(): Promise<void> {
    const { info, data } = this._editor.volume;
    const { shape, affine, channels } = info;
    const window = this._editor.window;
    await this._panel.show({ shape, affine, channels, data, window });
    if (this._isDisposed) {
      return;
    }
    this._showLabels();
    this._disconnect = [
      this._editor.labels.changed.connect(({ box, segments }) => {
        if (this._editor.labels.data !== this._data) {
          this._showLabels();
        } else if (segments) {
          this._panel.setSegments(this._editor.labels.segments);
        }
        if (box) {
          this._panel.labelsChanged(box);
        }
      }),
      this._editor.windowChanged.connect(() => this._followWindow())
    ];
  }

  private _showLabels(): void {
    const { data, segments } = this._editor.labels;
    this._data = data;
    this._panel.setMaps({ data, segments }, null);
    const shows = segments.length > 0;
    this._panel.set({ show: 'labels', opacity: shows ? 0.35 : 1 });
  }

  private _followWindow(): void {
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => {
      const { center, width } = this._editor.window;
      this._panel.set({ window: [center, width] });
    }, SETTLED_MS);
  }

  private _panel: ViewPanel;
  private _data: unknown = null;
  private _timer = 0;
  private _disconnect: (() => void)[] = [];
  private _isDisposed = false;
}

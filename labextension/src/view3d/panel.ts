import type { Box } from '../server/voxels';
import { differenceOf } from './difference';
import { ViewControls } from './controls';
import type {
  IClip,
  IOverlay,
  IOverlaySegment,
  IScene,
  IView3D,
  IView3DModule
} from './types';

/** Milliseconds after which a page that changes its layout or theme has settled. */
const SETTLED_MS = 200;

export type Overlay = 'labels' | 'prediction' | 'difference' | 'nothing';

/** What a viewer may set; the same names as the widget's traits. */
export interface IViewState {
  show: Overlay;
  opacity: number;
  label_opacity: number;
  window: [number, number];
  clip: IClip | null;
}

/** A 3D view with its controls and legend, in any page. */
export class ViewPanel {
  /**
   * @param host - filled, and emptied by `dispose`
   * @param load - fetches the part that draws, on first use
   * @param trans - translates the words on the controls
   */
  constructor(
    private _host: HTMLElement,
    private _load: () => Promise<IView3DModule>,
    private _trans: (text: string) => string = text => text
  ) {
    this._root.className = 'medlab-View3D';
    this._canvasHost.className = 'medlab-View3D-scene';
    this._status.className = 'medlab-View3D-status';
    this._status.setAttribute('role', 'status');
    this._legend.className = 'medlab-View3D-legend';
    this._legend.setAttribute('aria-label', _trans('Legend'));
    this._canvasHost.append(this._status, this._legend);
    this._controls = new ViewControls(_trans, change =>
      this._changeByUser(change)
    );
    this._root.append(this._canvasHost, this._controls.node);
    _host.append(this._root);
    this._whenResized.observe(this._canvasHost);
    // JupyterLab takes its style sheet away while it changes the theme: the view has no
    // size then, and loses its picture.
    this._whenThemed.observe(document.body, {
      attributeFilter: ['data-jp-theme-name', 'class']
    });
  }

  /** Called after the user moved a control. */
  onChange: (change: Partial<IViewState>) => void = () => undefined;

  get state(): Readonly<IViewState> {
    return this._state;
  }

  /** Says what is going on, or what went wrong, over the picture. */
  say(text: string, isError = false): void {
    this._status.textContent = text;
    this._status.classList.toggle('medlab-mod-error', isError);
  }

  /** Draws a scan. Says so over the picture when that cannot be done. */
  async show(scene: IScene): Promise<void> {
    try {
      if (!this._view) {
        const { createView3D } = await this._load();
        if (this._disposed) {
          return;
        }
        this._view = await createView3D(this._canvasHost);
        this._watchContext();
      }
      if (this._disposed) {
        this._view.dispose();
        return;
      }
      this._state.window = [scene.window.center, scene.window.width];
      await this._view.show(scene);
      this._applyState();
      this._applyOverlay();
      this.say('');
      this._root.dataset.ready = 'true';
    } catch (error) {
      this.say(error instanceof Error ? error.message : String(error), true);
    }
  }

  /** The maps to choose from; null for one that there is not. */
  setMaps(labels: IOverlay | null, prediction: IOverlay | null): void {
    this._maps = { labels, prediction };
    this._difference = null;
    const choices = this._choices();
    if (!choices.includes(this._state.show)) {
      this._state.show = choices[0];
    }
    this._controls.setChoices(choices);
    this._applyState();
    this._applyOverlay();
  }

  /** A part of the labels' array has changed in place. */
  labelsChanged(box?: Box): void {
    if (this._state.show === 'labels') {
      this._view?.updateOverlay(box);
    } else if (this._state.show === 'difference') {
      this._difference = null;
      this._applyOverlay();
    }
  }

  /** New names, colours or visibility for the labels. */
  setSegments(segments: readonly IOverlaySegment[]): void {
    if (this._maps.labels) {
      this._maps.labels = { ...this._maps.labels, segments };
      if (this._state.show === 'labels') {
        this._view?.setSegments(segments);
        this._drawLegend(segments);
      }
    }
  }

  /** Sets what is given, and draws it. */
  set(change: Partial<IViewState>): void {
    this._state = { ...this._state, ...change };
    if (!this._choices().includes(this._state.show)) {
      this._state.show = this._choices()[0];
    }
    this._applyState(change);
    if ('show' in change) {
      this._applyOverlay();
    }
  }

  dispose(): void {
    this._disposed = true;
    this._whenResized.disconnect();
    this._whenThemed.disconnect();
    window.clearTimeout(this._timer);
    this._view?.dispose();
    this._root.remove();
    this._host.replaceChildren();
  }

  /** Resized, shown or in another theme: drawn anew once the page stands still. */
  private _redrawSoon(): void {
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => this._view?.redraw(), SETTLED_MS);
  }

  private _choices(): Overlay[] {
    const { labels, prediction } = this._maps;
    const choices: Overlay[] = [];
    if (labels && prediction) {
      choices.push('difference');
    }
    if (labels) {
      choices.unshift('labels');
    }
    if (prediction) {
      choices.splice(labels ? 1 : 0, 0, 'prediction');
    }
    return [...choices, 'nothing'];
  }

  private _changeByUser(change: Partial<IViewState>): void {
    this.set(change);
    this.onChange(change);
  }

  private _applyState(change: Partial<IViewState> = this._state): void {
    this._controls.show(this._state);
    const { opacity, label_opacity, window, clip } = this._state;
    if ('opacity' in change || 'label_opacity' in change) {
      this._view?.setOpacity(opacity, label_opacity);
    }
    if ('window' in change) {
      this._view?.setWindow(...window);
    }
    if ('clip' in change) {
      this._view?.setClip(clip);
    }
  }

  private _applyOverlay(): void {
    const overlay = this._overlay();
    this._view?.setOverlay(overlay);
    this._drawLegend(overlay?.segments ?? []);
  }

  private _overlay(): IOverlay | null {
    const { labels, prediction } = this._maps;
    switch (this._state.show) {
      case 'labels':
        return labels;
      case 'prediction':
        return prediction;
      case 'difference':
        if (labels && prediction) {
          this._difference ??= differenceOf(labels.data, prediction.data);
        }
        return this._difference;
      default:
        return null;
    }
  }

  private _drawLegend(segments: readonly IOverlaySegment[]): void {
    this._legend.replaceChildren(
      ...segments
        .filter(segment => segment.visible)
        .map(({ name, color }) => {
          const entry = document.createElement('span');
          entry.className = 'medlab-View3D-entry';
          const swatch = document.createElement('span');
          swatch.className = 'medlab-View3D-swatch';
          swatch.style.background = color;
          entry.append(swatch, this._trans(name));
          return entry;
        })
    );
  }

  private _watchContext(): void {
    this._canvasHost.querySelector('canvas')?.addEventListener(
      'webglcontextlost',
      () => {
        if (!this._disposed) {
          this.say(
            this._trans(
              'The browser took the 3D view’s memory away: too many 3D views are open. ' +
                'Close some, then show this one again.'
            ),
            true
          );
        }
      },
      { once: true }
    );
  }

  private _root = document.createElement('div');
  private _canvasHost = document.createElement('div');
  private _status = document.createElement('div');
  private _legend = document.createElement('div');
  private _controls: ViewControls;
  private _view: IView3D | null = null;
  private _timer = 0;
  private _whenResized = new ResizeObserver(() => this._redrawSoon());
  private _whenThemed = new MutationObserver(() => this._redrawSoon());
  private _maps: { labels: IOverlay | null; prediction: IOverlay | null } = {
    labels: null,
    prediction: null
  };
  private _difference: IOverlay | null = null;
  private _state: IViewState = {
    show: 'nothing',
    opacity: 1,
    label_opacity: 1,
    window: [0, 1],
    clip: null
  };
  private _disposed = false;
}

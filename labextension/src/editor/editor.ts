import type { IServer } from '../server/connection';
import type { ISegment, IVolumeInfo, Triple } from '../server/types';

import { Announcer } from './bars/announcer';
import { Progress } from './bars/progress';
import type { ReadOut } from './bars/read_out';
import { SideColumn } from './bars/side_column';
import { StatusBar } from './bars/status_bar';
import type { IEditorContext } from './context';
import { element, painted } from './dom';
import { EditorParts } from './editor_parts';
import { Emitter } from './emitter';
import type { SaveState } from './labels/journal';
import type { LabelMap } from './labels/label_map';
import { LabelSession } from './labels/label_session';
import { askPage, hearPage, type IPreferences } from './preferences';
import { firstSettings, type ISettings, Settings } from './settings';
import { TOOLS } from './tools/registry';
import type { Translate } from './translate';
import { nearestVoxel, type Plane } from './view/geometry';
import type { IWindow } from './view/intensity';
import type { PlaneView } from './view/plane_view';
import { Planes } from './view/planes';
import { openVolume } from './view/opening';
import { Scene } from './view/scene';
import { Volume } from './view/volume';

/**
 * Between drawings of slices that all arriving planes are part of, and of the progress bar:
 * such a slice touches memory all over the volume, and drawn at every piece that comes it
 * takes longer than the pieces do.
 */
const DRAWN_APART_MS = 250;

export interface ISliceEditorOptions {
  server: IServer;
  scanId: string;
  /** Name of the label layer; none is shown without it. */
  layer?: string;
  planes: Plane[];
  /** The labels can be drawn, not just looked at. */
  tools: boolean;
  /** For a layer that does not exist yet. */
  segments?: Partial<ISegment>[];
  trans?: Translate;
  /** The patient's left on the image's right (default). */
  radiological?: boolean;
  /** The plane on show at first, or `grid` for all. */
  plane?: Plane | 'grid';
  /** Something will be put into `slot3d`: what its cell says until then. */
  soon3d?: string;
  /** Names of the tools and effects to choose from; all without it. */
  offered?: readonly string[];
}

/**
 * Shows a scan in one to three planes and lets labels be drawn on it.
 *
 * Free of any framework: it is given an element to live in and a server to ask. It opens
 * the scan, then builds and places the parts; what they share is the `IEditorContext`.
 */
export class SliceEditor {
  constructor(
    host: HTMLElement,
    private readonly _options: ISliceEditorOptions
  ) {
    this._preferences = askPage();
    this._trans = _options.trans ?? this._preferences.trans;
    this._body.append(this._progress.node);
    this.node = element(
      'div',
      {
        className: 'medlab-Editor',
        attributes: {
          'data-lm-suppress-shortcuts': '',
          'data-tools': String(_options.tools)
        }
      },
      [this._body]
    );
    host.append(this.node);
    this._progress.show(this._trans('Opening the scan…'), null);
    this.ready = this._open();
    // Whoever awaits `ready` hears of a failure; the editor itself shows it.
    this.ready.catch((error: unknown) => this._showFailure(error));
  }

  readonly node: HTMLElement;
  /** Resolves once the volume and the labels are here and drawn. */
  readonly ready: Promise<void>;
  readonly settings = new Settings();
  readonly crosshairChanged = new Emitter<Triple>();
  readonly saveStateChanged = new Emitter<SaveState>();
  readonly windowChanged = new Emitter<IWindow>();

  /** Available once the scan's header is here; voxels fill in until `ready`. */
  get volume(): Volume {
    return this._scene.volume;
  }

  get labels(): LabelMap {
    return this._scene.labels;
  }

  get saveState(): SaveState {
    return this._session?.state ?? 'saved';
  }

  /** Revision of the layer that the page has; edits that wait are on top of it. */
  get rev(): number {
    return this._session?.rev ?? 0;
  }

  /** Fourth cell of the grid when three planes are shown. */
  get slot3d(): HTMLElement | null {
    return this._planes?.slot3d ?? null;
  }

  get crosshair(): Triple {
    return [...this._scene.crosshair];
  }

  set crosshair(ijk: Triple) {
    this._scene.moveCrosshair(nearestVoxel(this.volume.info.shape, ijk));
  }

  get window(): IWindow {
    return { ...this._scene.window };
  }

  get views(): readonly PlaneView[] {
    return this._planes?.views ?? [];
  }

  setWindow(center: number, width: number): void {
    this._scene.setWindow(center, width);
  }

  /**
   * Reads a label file into the layer, as one step of the history.
   *
   * @param path - below the Jupyter root
   */
  async readLabels(path: string): Promise<void> {
    await this.ready;
    try {
      const snapshots = await this._session?.readFile(path);
      const names = await this._session?.takeIn(snapshots ?? []);
      const layers = names?.join(', ') ?? '';
      this._tell(this._trans('%1 is read into: %2.', path, layers));
    } catch (error) {
      const isTold = error instanceof Error && error.message;
      this._tell(isTold || this._trans('The labels cannot be read.'));
    }
  }

  /** @param layout - `grid` or the plane to show alone */
  showLayout(layout: string): void {
    this._parts?.showLayout(layout);
  }

  /** Draws what is dirty now instead of in the next frame. */
  flush(): void {
    this._planes?.flush();
  }

  dispose(): void {
    if (this._abort.signal.aborted) {
      return;
    }
    this._abort.abort();
    this._clear();
    this.crosshairChanged.clear();
    this.saveStateChanged.clear();
    this.windowChanged.clear();
    this.node.remove();
  }

  private async _open(): Promise<void> {
    const { server, scanId } = this._options;
    const { signal } = this._abort;
    const opening = await openVolume(server, scanId, signal);
    await this._show(opening.volume);
    const info = await opening.whole;
    if (signal.aborted) {
      return;
    }
    if (!opening.volume.complete(info)) {
      // The files were replaced after the slice was read: it is not of this scan.
      this._clear();
      await this._show(new Volume(info));
    }
    await this._load(info);
  }

  /** Builds the editor for a scan of which a slice is here, or none yet. */
  private async _show(volume: Volume): Promise<void> {
    const { signal } = this._abort;
    const session = LabelSession.unloaded(this._options, volume.info);
    this._session = session;
    this._shown = new AbortController();
    if (!this._options.tools) {
      // Nothing is made for who only looks, so this waits for no decoding.
      await session.load(signal);
    }
    if (signal.aborted) {
      return;
    }
    this._scene = new Scene(volume, session.labels);
    this._build(session);
    if (volume.progress > 0) {
      this._progress.show(this._trans('Reading the other slices…'), null);
    }
  }

  /** Takes everything away again but what says how far the opening is. */
  private _clear(): void {
    this._shown.abort();
    this._disposables.forEach(part => part.dispose());
    this._disposables = [];
    this._session?.dispose();
    this._session = this._planes = this._parts = null;
    this._body.replaceChildren(this._progress.node);
    this.node.replaceChildren(this._body);
  }

  /** Fetches what is missing of a scan that is shown, and lets it be drawn on. */
  private async _load(info: IVolumeInfo): Promise<void> {
    const { server, tools } = this._options;
    const { signal } = this._abort;
    const { volume } = this._scene;
    const session = this._session;
    const planes = this._planes;
    if (!session || !planes || signal.aborted) {
      return;
    }
    const { low, high } = firstSettings(info, session.labels, !!tools);
    this.settings.set({ low, high });
    this._scene.refresh();
    this._progress.show(this._trans('Loading…'), volume.progress);
    let drawnAt = 0;
    const onPlanes = (k0: number, k1: number) => {
      const isDue = performance.now() - drawnAt >= DRAWN_APART_MS;
      if (isDue) {
        drawnAt = performance.now();
        this._progress.show(this._trans('Loading…'), volume.progress);
      }
      planes.invalidateSlab(k0, k1, isDue);
      this._readOutAgain();
    };
    const loadVoxels = async () => {
      await volume.loadMiddle(server, signal);
      planes.invalidate();
      // What follows keeps the page busy: first let it show what there is.
      await painted();
      await volume.load(server, onPlanes, signal);
    };
    await Promise.all([loadVoxels(), tools ? session.load(signal) : undefined]);
    this._isReady = true;
    this._progress.node.remove();
    this._parts?.showReadiness();
    this._warn(info);
    this._readOutAgain();
    planes.invalidate();
    await session.start();
    this.flush();
  }

  private _readOutAgain(): void {
    if (this._parts) {
      this._parts.readOut.isDirty = true;
    }
  }

  /** Builds the parts and puts them in their places. */
  private _build(session: LabelSession): void {
    const { planes: names, plane } = this._options;
    const scene = this._scene;
    const planes = new Planes(
      names,
      scene,
      this._isRadiological(),
      this._trans,
      () => this._parts?.readOut.update()
    );
    this._planes = planes;
    if (this._options.soon3d) {
      planes.slot3d?.append(
        element('p', {
          className: 'medlab-Editor-soon3d',
          text: this._options.soon3d
        })
      );
    }
    this._status = new StatusBar(this._trans);
    this._side = new SideColumn(this._trans);
    this._announcer = new Announcer();
    const context = this._makeContext(session, planes);
    const info = this.volume.info;
    this.settings.set({
      ...firstSettings(info, scene.labels, context.hasTools),
      ...this._preferredSettings()
    });
    this._parts = new EditorParts(context, {
      node: this.node,
      side: this._side,
      status: this._status,
      announcer: this._announcer
    });
    this._parts.setKeys(this._preferences.keys);
    this._body.prepend(planes.node, this._side.node);
    this._side.node.hidden = this._side.isEmpty;
    this.node.append(this._status.node, this._announcer.node);
    this._parts.showReadiness();
    this._warn(info);
    this._disposables.push(this._parts, this._announcer, planes, scene);
    this._connect(planes, this._parts.readOut);
    this._followSession(session);
    hearPage(preferences => this._follow(preferences), this._shown.signal);
    this.showLayout(plane ?? (names.length > 1 ? 'grid' : names[0]));
  }

  private _makeContext(session: LabelSession, planes: Planes): IEditorContext {
    const { server, scanId, tools, offered } = this._options;
    const color = () =>
      this.labels.segment(this.settings.values.segment)?.color ?? '#ffffff';
    return {
      ...{ server, scanId, session, planes, hasTools: tools },
      scene: this._scene,
      settings: this.settings,
      trans: this._trans,
      signal: this._shown.signal,
      side: this._side.node,
      get color() {
        return color();
      },
      isReady: () => this._isReady,
      offers: action => offered?.includes(action) ?? true,
      notify: (sentence, kind) => this._tell(sentence, kind),
      announce: sentence => this._announcer.say('notice', sentence),
      showSection: name => this._side.show(name),
      run: action => this._parts?.run(action) ?? false,
      keyOf: action => this._parts?.keyOf(action) ?? ''
    };
  }

  private _tell(...notice: Parameters<StatusBar['notify']>): void {
    this._status.notify(...notice);
    this._announcer.say('notice', notice[0]);
  }

  /** What is doubtful about the scan; takes the place of any other notice. */
  private _warn({ warnings }: IVolumeInfo): void {
    const words = warnings.join(' ');
    this._status.notify(words);
    if (words !== this._warned) {
      this._warned = words;
      this._announcer.say('notice', words);
    }
  }

  private _isRadiological(): boolean {
    const { radiological } = this._options;
    return radiological ?? this._preferences.orientation === 'radiological';
  }

  /** What the reader's settings say of the tools. */
  private _preferredSettings(): Partial<ISettings> {
    const { overwrites, brush, opacity } = this._preferences;
    const { offered, tools } = this._options;
    const first = TOOLS.find(({ tool }) => offered?.includes(tool));
    return {
      ...{ overwrites, isBall: brush === 'sphere', opacity: opacity / 100 },
      ...(offered && tools ? { tool: first?.tool ?? 'crosshair' } : {})
    };
  }

  /** The reader's settings changed: what differs is followed. */
  private _follow(preferences: IPreferences): void {
    const old = this._preferences;
    this._preferences = preferences;
    this._parts?.setKeys(preferences.keys);
    const { orientation, overwrites, brush, opacity } = preferences;
    if (orientation !== old.orientation) {
      this._planes?.turn(this._isRadiological());
    }
    this.settings.set({
      ...(overwrites === old.overwrites ? {} : { overwrites }),
      ...(brush === old.brush ? {} : { isBall: brush === 'sphere' }),
      ...(opacity === old.opacity ? {} : { opacity: opacity / 100 })
    });
  }

  private _connect(planes: Planes, readOut: ReadOut): void {
    const scene = this._scene;
    const updateInk = () => {
      scene.mixInk(this.settings.values);
      const { segments } = scene.labels;
      const chosen = this.settings.values.segment;
      if (segments.length > 0 && !scene.labels.segment(chosen)) {
        this.settings.values.segment = segments[0].id;
      }
    };
    scene.labels.changed.connect(({ segments }) => {
      if (segments) {
        updateInk();
      }
      readOut.isDirty = true;
    });
    scene.windowChanged.connect(window => this.windowChanged.emit(window));
    scene.crosshairChanged.connect(ijk => {
      readOut.isDirty = true;
      this.crosshairChanged.emit(ijk);
    });
    const stop = this.settings.changed.connect(({ tool, isCrosshairShown }) => {
      updateInk();
      this.node.dataset.tool = tool;
      planes.setCrosshairShown(isCrosshairShown);
      readOut.isDirty = true;
      planes.wake();
    });
    this._disposables.push({ dispose: stop });
    this.settings.set({});
  }

  private _followSession(session: LabelSession): void {
    const { signal } = this._shown;
    session.changed.connect(() => {
      if (session.isLoaded) {
        this._status.showSaveState(session);
        this._announcer.say('saving', this._status.saving);
      }
      this.saveStateChanged.emit(session.state);
    });
    session.changed.emit();
    // A hidden page may never be shown again: what is in the hand is kept too.
    const keep = () => session.keepNow();
    window.addEventListener('pagehide', keep, { signal });
    document.addEventListener('visibilitychange', keep, { signal });
    session.conflicted.connect(told => {
      const mine = told.find(
        ({ from }) => from === this.settings.values.segment
      );
      if (mine?.to !== undefined) {
        this.settings.set({ segment: mine.to });
      }
    });
    window.addEventListener('online', () => session.retry(), { signal });
    window.addEventListener(
      'beforeunload',
      event => {
        if (session.state !== 'saved' && session.isKept) {
          event.preventDefault();
        }
      },
      { signal }
    );
  }

  private _showFailure(error: unknown): void {
    if (!this._abort.signal.aborted) {
      if (!this._isReady) {
        // One slice of a scan that cannot be read is not to be taken for the scan.
        this._clear();
      }
      this._progress.fail(
        error instanceof Error
          ? error.message
          : this._trans('The scan cannot be shown.')
      );
      this._body.append(this._progress.node);
    }
  }

  private readonly _trans: Translate;
  private readonly _abort = new AbortController();
  private readonly _body = element('div', { className: 'medlab-Editor-body' });
  private readonly _progress = new Progress();
  /** Ends with what is shown, be it that another state of the scan is shown instead. */
  private _shown = new AbortController();
  private _disposables: { dispose(): void }[] = [];
  private _status!: StatusBar;
  private _side!: SideColumn;
  private _announcer!: Announcer;
  private _scene!: Scene;
  private _session: LabelSession | null = null;
  private _planes: Planes | null = null;
  private _parts: EditorParts | null = null;
  private _preferences: IPreferences;
  private _warned = '';
  private _isReady = false;
}

import type { IServer } from '../server/connection';
import { fetchVolumeInfo } from '../server/requests';
import type { ISegment, Triple } from '../server/types';

import { Progress } from './bars/progress';
import { ReadOut } from './bars/read_out';
import { SideColumn } from './bars/side_column';
import { StatusBar } from './bars/status_bar';
import { Toolbar, toolbarOptions } from './bars/toolbar';
import type { IEditorContext } from './context';
import { element } from './dom';
import { Emitter } from './emitter';
import { Gestures } from './input/gestures';
import { KeyCommands } from './input/key_commands';
import { KeyListener } from './input/key_listener';
import { PointerCommands } from './input/pointer_commands';
import type { SaveState } from './labels/journal';
import type { LabelMap } from './labels/label_map';
import { LabelSession } from './labels/label_session';
import type { SegmentEdits } from './segments/segment_edits';
import { SegmentPanel } from './segments/segment_panel';
import { firstSettings, Settings } from './settings';
import { ToolBox } from './tools/tool_box';
import { type Translate, untranslated } from './translate';
import { nearestVoxel, type Plane } from './view/geometry';
import type { IWindow } from './view/intensity';
import type { PlaneView } from './view/plane_view';
import { Planes } from './view/planes';
import { Scene } from './view/scene';
import { Volume } from './view/volume';

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
  /** The only plane on show at first. */
  plane?: Plane;
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
    this._trans = _options.trans ?? untranslated;
    this._status = new StatusBar(this._trans);
    this._side = new SideColumn(this._trans);
    this._body.append(this._progress.node);
    this.node = element(
      'div',
      {
        className: 'medlab-Editor',
        attributes: { 'data-lm-suppress-shortcuts': '' }
      },
      [this._body]
    );
    host.append(this.node);
    this._progress.show(this._trans('Opening the scan…'), 0);
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

  /** @param layout - `grid` or the plane to show alone */
  showLayout(layout: string): void {
    this._toolbar?.showLayout(layout);
    this._planes?.show(layout);
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
    this._disposables.forEach(part => part.dispose());
    this._session?.dispose();
    this.crosshairChanged.clear();
    this.saveStateChanged.clear();
    this.windowChanged.clear();
    this.node.remove();
  }

  private async _open(): Promise<void> {
    const { server, scanId } = this._options;
    const { signal } = this._abort;
    const info = await fetchVolumeInfo(server, scanId, signal);
    const volume = new Volume(info);
    const session = await LabelSession.open(this._options, info, signal);
    this._session = session;
    if (signal.aborted) {
      return;
    }
    this._scene = new Scene(volume, session.labels);
    const planes = this._build(session);
    await volume.load(
      server,
      (k0, k1) => {
        this._progress.show(this._trans('Loading…'), volume.progress);
        planes.invalidateSlab(k0, k1);
      },
      signal
    );
    this._isReady = true;
    this._progress.node.remove();
    planes.invalidate();
    await session.start();
    this.flush();
  }

  /** Builds the parts and puts them in their places. */
  private _build(session: LabelSession): Planes {
    const { planes: names, plane, radiological = true } = this._options;
    const scene = this._scene;
    const readOut = new ReadOut(scene, this._status);
    const planes = new Planes(names, scene, radiological, this._trans, () => {
      if (this._isReady) {
        readOut.update();
      }
    });
    this._planes = planes;
    const context = this._makeContext(session, planes);
    const { hasTools } = context;
    const segments = new SegmentPanel(context);
    const tools = new ToolBox(context);
    this._listen(context, tools, segments.edits, readOut);
    this.settings.set(firstSettings(this.volume.info, scene.labels, hasTools));
    this._toolbar = this._makeToolbar(context);
    if (hasTools || scene.labels.segments.length > 0) {
      this._side.place('segments', segments.node, segments.buttons);
    }
    this.node.prepend(this._toolbar.node);
    this._body.prepend(planes.node, this._side.node);
    this._side.node.hidden = this._side.isEmpty;
    this.node.append(this._status.node);
    this._status.notify(this.volume.info.warnings.join(' '));
    this._disposables.push(this._toolbar, segments, tools, planes, scene);
    this._connect(planes, readOut);
    this._followSession(session);
    this.showLayout(plane ?? (names.length > 1 ? 'grid' : names[0]));
    return planes;
  }

  private _makeContext(session: LabelSession, planes: Planes): IEditorContext {
    const { server, scanId, tools } = this._options;
    const color = () => this._color;
    return {
      ...{ server, scanId, session, planes, hasTools: tools },
      scene: this._scene,
      settings: this.settings,
      trans: this._trans,
      signal: this._abort.signal,
      side: this._side.node,
      get color() {
        return color();
      },
      isReady: () => this._isReady,
      notify: sentence => this._status.notify(sentence),
      announce: () => undefined,
      showSection: name => this._side.show(name),
      run: () => false,
      keyOf: () => ''
    };
  }

  private get _color(): string {
    const { segment } = this.settings.values;
    return this.labels.segment(segment)?.color ?? '#ffffff';
  }

  /** Connects the pointer and the keys. */
  private _listen(
    context: IEditorContext,
    tools: ToolBox,
    segments: SegmentEdits,
    readOut: ReadOut
  ): void {
    const { scene, planes, session, settings, isReady, signal } = context;
    const pointer = new PointerCommands({
      ...{ scene, planes, segments, readOut, isReady, settings, tools },
      showLayout: layout => this.showLayout(layout)
    });
    const commands = new KeyCommands(
      ...([context.hasTools, scene, planes, settings, tools, session] as const)
    );
    const keys = new KeyListener(
      ...([this.node, commands, settings, isReady, signal] as const)
    );
    for (const view of planes.views) {
      this._disposables.push(
        new Gestures(view, pointer, () => keys.isSpaceDown)
      );
    }
  }

  private _makeToolbar({ session, planes }: IEditorContext): Toolbar {
    const { planes: names, tools } = this._options;
    return new Toolbar(
      this.settings,
      {
        undo: () => session.undo(),
        redo: () => session.redo(),
        fit: () => planes.fit(),
        layout: name => this.showLayout(name),
        window: preset => this._scene.chooseWindow(preset)
      },
      toolbarOptions(this.volume.info, names, tools),
      this._trans
    );
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
    this.settings.changed.connect(({ tool, isCrosshairShown }) => {
      updateInk();
      this.node.dataset.tool = tool;
      planes.setCrosshairShown(isCrosshairShown);
      readOut.isDirty = true;
      planes.wake();
    });
    this.settings.set({});
  }

  private _followSession(session: LabelSession): void {
    const { signal } = this._abort;
    session.changed.connect(() => {
      this._toolbar?.showHistory(session.canUndo, session.canRedo);
      if (session.isKept) {
        this._status.showSaveState(session.state, session.message);
      }
      this.saveStateChanged.emit(session.state);
    });
    session.changed.emit();
    window.addEventListener('pagehide', () => session.flush(), { signal });
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
  private readonly _disposables: { dispose(): void }[] = [];
  private readonly _status: StatusBar;
  private readonly _side: SideColumn;
  private _scene!: Scene;
  private _session: LabelSession | null = null;
  private _planes: Planes | null = null;
  private _toolbar: Toolbar | null = null;
  private _isReady = false;
}

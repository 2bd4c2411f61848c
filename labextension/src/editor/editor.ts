import type { IServer } from '../server/connection';
import { fetchVolumeInfo } from '../server/requests';
import type { ISegment, Triple } from '../server/types';

import type { Edit } from './labels/delta';
import { element } from './dom';
import { Emitter } from './emitter';
import { nearestVoxel, type Plane } from './view/geometry';
import { Gestures } from './input/gestures';
import type { IWindow } from './view/intensity';
import type { SaveState } from './labels/journal';
import { KeyCommands } from './input/key_commands';
import { KeyListener } from './input/key_listener';
import type { LabelMap } from './labels/label_map';
import { LabelSession } from './labels/label_session';
import type { Work } from './labels/later';
import type { PlaneView } from './view/plane_view';
import { Planes } from './view/planes';
import { PointerCommands } from './input/pointer_commands';
import { Progress } from './bars/progress';
import { ReadOut } from './bars/read_out';
import { Scene } from './view/scene';
import { SegmentEdits } from './segments/segment_edits';
import { SegmentList } from './segments/segment_list';
import { firstSettings, Settings } from './settings';
import { StatusBar } from './bars/status_bar';
import { Toolbar, toolbarOptions } from './bars/toolbar';
import { type IToolHost, ToolBox } from './tools/tool_box';
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
  trans?: (text: string) => string;
  /** The patient's left on the image's right (default). */
  radiological?: boolean;
  /** The only plane on show at first. */
  plane?: Plane;
}

/**
 * Shows a scan in one to three planes and lets labels be drawn on it.
 *
 * Free of any framework: it is given an element to live in and a server to ask. What it
 * shows is in its `Scene`; this class opens the scan and connects the parts.
 */
export class SliceEditor implements IToolHost {
  constructor(
    host: HTMLElement,
    private readonly _options: ISliceEditorOptions
  ) {
    this._trans = _options.trans ?? (text => text);
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

  get color(): string {
    const { segment } = this.settings.values;
    return this.labels.segment(segment)?.color ?? '#ffffff';
  }

  /** Fourth cell of the grid when three planes are shown. */
  get slot3d(): HTMLElement | null {
    return this._planes?.slot3d ?? null;
  }

  get crosshair(): Triple {
    return [...this._scene.crosshair];
  }

  set crosshair(ijk: Triple) {
    this.moveCrosshair(nearestVoxel(this.volume.info.shape, ijk));
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

  moveCrosshair(ijk: Triple): void {
    this._scene.moveCrosshair(ijk);
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
    this._disposables.forEach(dispose => dispose());
    this._session?.dispose();
    this.crosshairChanged.clear();
    this.saveStateChanged.clear();
    this.windowChanged.clear();
    this.node.remove();
  }

  beginEdit(): void {
    this._session?.hold();
    const { segment } = this.settings.values;
    const isLocked = this.labels.segment(segment)?.locked;
    this._status.notify(
      isLocked ? this._trans('This segment is locked: unlock it to draw.') : ''
    );
  }

  endEdit(coding: Work<Edit | null> | null): void {
    if (coding) {
      this._session?.commitLater(coding);
    } else {
      this._session?.release();
    }
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

  private _build(session: LabelSession): Planes {
    const { planes: names, plane, radiological = true, tools } = this._options;
    const { info } = this.volume;
    const scene = this._scene;
    const readOut = new ReadOut(
      scene,
      this.settings,
      this._status,
      () => this.color
    );
    const planes = new Planes(names, scene, radiological, this._trans, () => {
      if (this._isReady) {
        readOut.update();
      }
    });
    this._planes = planes;
    const segments = new SegmentEdits(session, this.settings, this._trans);
    this._listen(session, planes, segments, readOut);
    this.settings.set(firstSettings(info, scene.labels, tools));
    this._toolbar = this._makeToolbar(session, planes);
    const list = new SegmentList(
      scene.labels,
      this.settings,
      segments,
      this._trans,
      tools
    );
    list.node.hidden = !tools && scene.labels.segments.length === 0;
    this.node.prepend(this._toolbar.node);
    this._body.prepend(planes.node, list.node);
    this.node.append(this._status.node);
    this._status.notify(info.warnings.join(' '));
    this._disposables.push(
      () => this._toolbar?.dispose(),
      () => list.dispose(),
      () => planes.dispose(),
      () => scene.dispose()
    );
    this._connect(planes, readOut);
    this._followSession(session);
    this.showLayout(plane ?? (names.length > 1 ? 'grid' : names[0]));
    return planes;
  }

  /** Connects the pointer and the keys. */
  private _listen(
    session: LabelSession,
    planes: Planes,
    segments: SegmentEdits,
    readOut: ReadOut
  ): void {
    const scene = this._scene;
    const isReady = () => this._isReady;
    const pointer = new PointerCommands({
      ...{ scene, planes, segments, readOut, isReady },
      ...{ settings: this.settings, tools: this._tools },
      showLayout: layout => this.showLayout(layout)
    });
    const commands = new KeyCommands(
      this._options.tools,
      scene,
      planes,
      this.settings,
      this._tools,
      session
    );
    const keys = new KeyListener(
      this.node,
      commands,
      this.settings,
      isReady,
      this._abort.signal
    );
    for (const view of planes.views) {
      const gestures = new Gestures(view, pointer, () => keys.isSpaceDown);
      this._disposables.push(() => gestures.dispose());
    }
  }

  private _makeToolbar(session: LabelSession, planes: Planes): Toolbar {
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
      if (tool !== 'polygon') {
        this._tools.dropPolygon();
      }
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

  private readonly _trans: (text: string) => string;
  private readonly _abort = new AbortController();
  private readonly _body = element('div', { className: 'medlab-Editor-body' });
  private readonly _progress = new Progress();
  private readonly _disposables: (() => void)[] = [];
  private readonly _tools = new ToolBox(this);
  private readonly _status = new StatusBar(text => this._trans(text));
  private _scene!: Scene;
  private _session: LabelSession | null = null;
  private _planes: Planes | null = null;
  private _toolbar: Toolbar | null = null;
  private _isReady = false;
}

import type { IServer } from '../server/connection';
import { fetchVolumeInfo } from '../server/requests';
import type { ISegment, Triple } from '../server/types';

import { type Edit, segmentsEdit } from './delta';
import { element } from './dom';
import { Emitter } from './emitter';
import { isInside, type Plane, nearestVoxel } from './geometry';
import { Gestures, type IDrag, type IGestureTarget } from './gestures';
import type { IWindow } from './intensity';
import { automaticWindow, lookupFor, presetsFor } from './intensity';
import type { SaveState } from './journal';
import { type IKeyTarget, pressKey } from './keyboard';
import type { LabelMap } from './label_map';
import { LabelSession } from './label_session';
import { type IScene, PlaneView } from './plane_view';
import { labelInk } from './raster';
import { PALETTE, SegmentList } from './segment_list';
import { Settings } from './settings';
import { StatusBar } from './status_bar';
import { Toolbar } from './toolbar';
import { type IToolHost, ToolBox } from './tools';
import { Volume } from './volume';

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
 * Free of any framework: it is given an element to live in and a server to ask.
 */
export class SliceEditor implements IGestureTarget, IToolHost, IKeyTarget {
  constructor(
    host: HTMLElement,
    private readonly _options: ISliceEditorOptions
  ) {
    this._trans = _options.trans ?? (text => text);
    this.node = element(
      'div',
      {
        className: 'medlab-Editor',
        attributes: { 'data-lm-suppress-shortcuts': '' }
      },
      [this._body]
    );
    this._body.append(this._planesNode);
    host.append(this.node);
    this._showProgress(this._trans('Opening the scan…'), 0);
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

  get hasTools(): boolean {
    return this._options.tools;
  }

  get color(): string {
    return (
      this.labels.segment(this.settings.values.segment)?.color ?? '#ffffff'
    );
  }

  /** Fourth cell of the grid when three planes are shown. */
  get slot3d(): HTMLElement | null {
    return this._slot3d;
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
    return this._views;
  }

  setWindow(center: number, width: number): void {
    const floor = this.volume.info.dtype === 'f4' ? 1e-6 : 1;
    this._scene.window = { center, width: Math.max(floor, width) };
    this._scene.lookup = lookupFor(this.volume.info.dtype, this._scene.window);
    this._views.forEach(view => view.invalidate());
    this.windowChanged.emit(this.window);
  }

  /** @param layout - `grid` or the plane to show alone */
  showLayout(layout: string): void {
    this._layout = layout;
    this._planesNode.dataset.layout = layout;
    for (const view of this._views) {
      view.node.hidden = layout !== 'grid' && view.plane !== layout;
    }
    if (this._slot3d) {
      this._slot3d.hidden = layout !== 'grid';
    }
    this._toolbar?.showLayout(layout);
    this._views.forEach(view => {
      view.resize();
      view.invalidate();
    });
  }

  moveCrosshair(ijk: Triple): void {
    const old = this._scene.crosshair;
    if (ijk.every((x, axis) => x === old[axis])) {
      return;
    }
    this._scene.crosshair = ijk;
    this._views.forEach(view => view.invalidatePlace());
    this._isReadOutDirty = true;
    this.crosshairChanged.emit(this.crosshair);
  }

  /** Draws what is dirty now instead of in the next frame. */
  flush(): void {
    cancelAnimationFrame(this._frame);
    this._draw();
  }

  dispose(): void {
    if (this._abort.signal.aborted) {
      return;
    }
    this._abort.abort();
    cancelAnimationFrame(this._frame);
    this._disposables.forEach(dispose => dispose());
    this._session?.dispose();
    this.crosshairChanged.clear();
    this.saveStateChanged.clear();
    this.windowChanged.clear();
    this.node.remove();
  }

  // What the pointer asks for

  begin(view: PlaneView, event: PointerEvent): IDrag | null {
    if (!this._isReady) {
      return null;
    }
    const draws = this.settings.values.tool !== 'crosshair';
    if (draws && this.labels.segments.length === 0) {
      this.addSegment();
    }
    return this._tools.begin(view, view.pixelAt(event.clientX, event.clientY));
  }

  hover(view: PlaneView, event: PointerEvent | null): void {
    if (this._pointed && this._pointed.view !== view) {
      this._pointed.view.showCursor(null);
    }
    if (!event || !this._isReady) {
      view.showCursor(null);
      this._pointed = null;
    } else {
      const at = view.pixelAt(event.clientX, event.clientY);
      this._pointed = { view, at };
      this._tools.hover(view, at);
    }
    this._isReadOutDirty = true;
    this._wake();
  }

  moveWindow(_view: PlaneView, dx: number, dy: number): void {
    const { center, width } = this._scene.window;
    const [low, high] = this.volume.info.range;
    const step = Math.max(width, (high - low) / 500) / 300;
    this.setWindow(center + dy * step, width + dx * step);
  }

  step(viewOrSlices: PlaneView | number, slices = 0): void {
    const view =
      typeof viewOrSlices === 'number' ? this._focused : viewOrSlices;
    const count = typeof viewOrSlices === 'number' ? viewOrSlices : slices;
    this._goTo(view, view.index + count * view.slice.stepW);
  }

  doubleClick(view: PlaneView): void {
    if (this._tools.isDrawingPolygon) {
      this._tools.closePolygon();
    } else if (
      this.settings.values.tool === 'crosshair' &&
      this._views.length > 1
    ) {
      this.showLayout(this._layout === 'grid' ? view.plane : 'grid');
    }
  }

  // What the keys ask for

  goTo(end: 'first' | 'last'): void {
    const view = this._focused;
    this._goTo(view, end === 'first' ? 0 : view.slice.depth - 1);
  }

  zoom(factor: number): void {
    this._focused.zoomBy(factor);
  }

  fit(): void {
    this._views.forEach(view => view.fit());
  }

  undo(): void {
    this._session?.undo();
  }

  redo(): void {
    this._session?.redo();
  }

  chooseSegment(position: number): void {
    const segment = this.labels.segments[position];
    if (segment) {
      this.settings.set({ segment: segment.id });
    }
  }

  finishPolygon(): void {
    this._tools.closePolygon();
  }

  dropPolygon(): void {
    this._tools.dropPolygon();
  }

  removeCorner(): void {
    this._tools.removeCorner();
  }

  // What the tools do

  beginEdit(): void {
    this._session?.hold();
    if (this.labels.segment(this.settings.values.segment)?.locked) {
      this._status.notify(
        this._trans('This segment is locked: unlock it to draw.')
      );
    } else {
      this._status.notify('');
    }
  }

  endEdit(edit: Edit | null): void {
    this._session?.release();
    if (edit) {
      this._session?.commit([edit]);
    }
  }

  // Segments

  addSegment(): void {
    const before = this.labels.segments;
    const id = Math.max(0, ...before.map(segment => segment.id)) + 1;
    const segment: ISegment = {
      id,
      name: `${this._trans('segment')} ${id}`,
      color: PALETTE[(id - 1) % PALETTE.length],
      locked: false,
      visible: true
    };
    this._commitSegments([...before, segment]);
    this.settings.set({ segment: id });
  }

  changeSegment(id: number, fields: Partial<ISegment>): void {
    this._commitSegments(
      this.labels.segments.map(segment =>
        segment.id === id ? { ...segment, ...fields } : segment
      )
    );
  }

  removeSegment(id: number): void {
    this._session?.removeSegment(id);
    if (this.settings.values.segment === id) {
      this.settings.set({ segment: this.labels.segments[0]?.id ?? 0 });
    }
  }

  private _commitSegments(after: ISegment[]): void {
    const before = this.labels.segments;
    this.labels.setSegments(after);
    this._session?.commit([segmentsEdit(before, after)]);
  }

  // How it comes up

  private async _open(): Promise<void> {
    const { server, scanId } = this._options;
    const { signal } = this._abort;
    const info = await fetchVolumeInfo(server, scanId, signal);
    const volume = new Volume(info);
    this._session = await LabelSession.open(this._options, info, signal);
    if (signal.aborted) {
      return;
    }
    this._scene = {
      volume,
      labels: this._session.labels,
      window: info.window,
      lookup: lookupFor(info.dtype, info.window),
      ink: labelInk(this._session.labels, 0.5, true),
      crosshair: info.shape.map(size => Math.floor(size / 2)) as Triple
    };
    this._build();
    await volume.load(server, (k0, k1) => this._arrived(k0, k1), signal);
    this._isReady = true;
    this._progress.remove();
    this._views.forEach(view => view.invalidate());
    this._isReadOutDirty = true;
    await this._session.start();
    this.flush();
  }

  private _arrived(k0: number, k1: number): void {
    this._showProgress(this._trans('Loading…'), this.volume.progress);
    for (const view of this._views) {
      const { w } = view.slice;
      if (w !== 2 || (view.index >= k0 && view.index < k1)) {
        view.invalidate();
      }
    }
  }

  private _build(): void {
    const { planes, tools } = this._options;
    const { info } = this.volume;
    this._buildViews();
    const [low, high] = info.range;
    const { center } = info.window;
    this.settings.set({
      segment: this.labels.segments[0]?.id ?? 1,
      low: Math.max(low, center),
      high,
      radius_mm: +(6 * Math.min(...info.spacing_mm)).toPrecision(2),
      tool: tools ? 'brush' : 'crosshair'
    });
    const names: Record<Plane, string> = {
      axial: 'Axial',
      sagittal: 'Sagittal',
      coronal: 'Coronal'
    };
    const single = planes.map(plane => ({
      name: plane as string,
      words: names[plane]
    }));
    const grid = { name: 'grid', words: 'All planes' };
    this._toolbar = new Toolbar(
      this.settings,
      {
        undo: () => this.undo(),
        redo: () => this.redo(),
        fit: () => this.fit(),
        layout: name => this.showLayout(name),
        window: preset => this._choose(preset)
      },
      {
        hasTools: tools,
        layouts: planes.length > 1 ? [...single, grid] : [],
        presets: presetsFor(info),
        isGrey: info.channels === 1,
        unit: info.unit
      },
      this._trans
    );
    const list = new SegmentList(
      this.labels,
      this.settings,
      {
        add: () => this.addSegment(),
        change: (id, fields) => this.changeSegment(id, fields),
        remove: id => this.removeSegment(id)
      },
      this._trans,
      tools
    );
    list.node.hidden = !tools && this.labels.segments.length === 0;
    this.node.prepend(this._toolbar.node);
    this._body.append(list.node);
    this.node.append(this._status.node);
    if (info.warnings.length > 0) {
      this._status.notify(info.warnings.join(' '));
    }
    this._disposables.push(
      () => this._toolbar?.dispose(),
      () => list.dispose()
    );
    this._connect();
    this.showLayout(
      this._options.plane ?? (planes.length > 1 ? 'grid' : planes[0])
    );
  }

  private _buildViews(): void {
    const { planes, radiological = true } = this._options;
    for (const plane of planes) {
      const view = new PlaneView(
        plane,
        this._scene,
        radiological,
        this._trans,
        () => this._wake()
      );
      const gestures = new Gestures(view, this, () => this._isSpaceDown);
      view.slider.addEventListener('input', () =>
        this._goTo(view, view.slider.valueAsNumber)
      );
      view.node.addEventListener('focusin', () => {
        this._focusedView = view;
      });
      this._disposables.push(() => gestures.dispose());
      this._views.push(view);
      this._planesNode.append(view.node);
    }
    this._planesNode.dataset.planes = String(planes.length);
    if (planes.length === 3) {
      this._slot3d = element('div', { className: 'medlab-Editor-slot3d' });
      this._planesNode.append(this._slot3d);
    }
  }

  private _connect(): void {
    const { signal } = this._abort;
    this.labels.changed.connect(({ box, segments }) => {
      if (segments) {
        this._updateInk();
      }
      if (box) {
        this._views.forEach(view => view.invalidateLabels(box));
      }
      this._isReadOutDirty = true;
    });
    this.settings.changed.connect(() => {
      this._updateInk();
      if (this.settings.values.tool !== 'polygon') {
        this._tools.dropPolygon();
      }
      this.node.dataset.tool = this.settings.values.tool;
      const { isCrosshairShown } = this.settings.values;
      this._views.forEach(view => view.setCrosshairShown(isCrosshairShown));
      this._isReadOutDirty = true;
      this._wake();
    });
    const session = this._session;
    session?.changed.connect(() => {
      this._toolbar?.showHistory(session.canUndo, session.canRedo);
      if (session.isKept) {
        this._status.showSaveState(session.state, session.message);
      }
      this.saveStateChanged.emit(session.state);
    });
    session?.changed.emit();
    // JupyterLab listens on the document, before us: tell it which keys are ours.
    window.addEventListener('keydown', event => this._claimKey(event), {
      signal,
      capture: true
    });
    this.node.addEventListener('keydown', event => this._onKey(event), {
      signal
    });
    this.node.addEventListener(
      'keyup',
      event => {
        this._isSpaceDown &&= event.key !== ' ';
      },
      { signal }
    );
    window.addEventListener('online', () => session?.retry(), { signal });
    window.addEventListener(
      'beforeunload',
      event => {
        if (session && session.state !== 'saved' && session.isKept) {
          event.preventDefault();
        }
      },
      { signal }
    );
    const observer = new ResizeObserver(() =>
      this._views.forEach(view => view.resize())
    );
    this._views.forEach(view => observer.observe(view.stage));
    this._disposables.push(() => observer.disconnect());
    this.settings.set({});
  }

  private _claimKey(event: KeyboardEvent): void {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const isHistory = ['z', 'y'].includes(event.key.toLowerCase());
    this.node.toggleAttribute(
      'data-lm-suppress-shortcuts',
      isPlain || isHistory
    );
  }

  private _onKey(event: KeyboardEvent): void {
    const { target } = event;
    const isTyping =
      target instanceof HTMLElement &&
      target.matches('input:not([type="range"]), select, textarea');
    if (isTyping) {
      return;
    }
    if (event.key === ' ' && !(target instanceof HTMLButtonElement)) {
      this._isSpaceDown = true;
      event.preventDefault();
      return;
    }
    const isButton =
      target instanceof HTMLButtonElement && event.key === 'Enter';
    if (this._isReady && !isButton && pressKey(event, this, this.settings)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private _updateInk(): void {
    const { opacity, isOutlined, areLabelsShown, segment } =
      this.settings.values;
    const key = JSON.stringify([
      ...[opacity, isOutlined, areLabelsShown],
      this.labels.segments.map(each => [each.id, each.color, each.visible])
    ]);
    if (key !== this._inkKey) {
      this._inkKey = key;
      this._scene.ink = labelInk(this.labels, opacity, isOutlined);
      if (!areLabelsShown) {
        this._scene.ink.fill.fill(0);
        this._scene.ink.rim = null;
      }
      this._views.forEach(view => view.invalidateLabels(null));
    }
    if (!this.labels.segment(segment) && this.labels.segments.length > 0) {
      this.settings.values.segment = this.labels.segments[0].id;
    }
  }

  /** Shows the brush and what lies under the pointer, or else under the crosshair. */
  private _readOut(): void {
    this._isReadOutDirty = false;
    const { view, at } = this._pointed ?? {};
    const { radius_mm } = this.settings.values;
    if (view && at) {
      view.showCursor(
        this.settings.hasBrush ? at : null,
        radius_mm,
        this.color
      );
    }
    const { shape } = this.volume.info;
    const ijk = view && at ? view.ijkAt(...at) : this._scene.crosshair;
    const shown = isInside(shape, ijk) ? ijk : this._scene.crosshair;
    this._status.showVoxel(
      this.volume,
      this.labels,
      nearestVoxel(shape, shown)
    );
  }

  private _goTo(view: PlaneView, index: number): void {
    const ijk = this.crosshair;
    ijk[view.slice.w] = Math.min(view.slice.depth - 1, Math.max(0, index));
    this.moveCrosshair(ijk);
  }

  private _choose(preset: IWindow | 'auto' | 'full'): void {
    if (preset === 'full') {
      const [low, high] = this.volume.info.range;
      this.setWindow((low + high) / 2, high - low);
      return;
    }
    const { center, width } =
      preset === 'auto' ? automaticWindow(this.volume.data) : preset;
    this.setWindow(center, width);
  }

  private get _focused(): PlaneView {
    const shown = this._views.filter(view => !view.node.hidden);
    return shown.find(view => view === this._focusedView) ?? shown[0];
  }

  private _wake(): void {
    this._frame ||= requestAnimationFrame(() => this._draw());
  }

  private _draw(): void {
    this._frame = 0;
    this._views.forEach(view => view.draw());
    if (this._isReadOutDirty && this._isReady) {
      this._readOut();
    }
  }

  private _showProgress(words: string, part: number): void {
    const bar = element('progress', {
      attributes: { max: '1', value: String(part) }
    });
    this._progress.replaceChildren(element('span', { text: words }), bar);
    if (!this._progress.isConnected) {
      this._body.append(this._progress);
    }
  }

  private _showFailure(error: unknown): void {
    if (this._abort.signal.aborted) {
      return;
    }
    const sentence =
      error instanceof Error
        ? error.message
        : this._trans('The scan cannot be shown.');
    this._progress.classList.add('medlab-mod-failed');
    this._progress.setAttribute('role', 'alert');
    this._progress.replaceChildren(element('span', { text: sentence }));
    this._body.append(this._progress);
  }

  private readonly _trans: (text: string) => string;
  private readonly _abort = new AbortController();
  private readonly _body = element('div', { className: 'medlab-Editor-body' });
  private readonly _planesNode = element('div', {
    className: 'medlab-Editor-planes'
  });
  private readonly _progress = element('div', {
    className: 'medlab-Editor-progress'
  });
  private readonly _views: PlaneView[] = [];
  private readonly _disposables: (() => void)[] = [];
  private readonly _tools = new ToolBox(this);
  private readonly _status = new StatusBar(text => this._trans(text));
  private _scene!: IScene;
  private _session: LabelSession | null = null;
  private _toolbar: Toolbar | null = null;
  private _slot3d: HTMLElement | null = null;
  private _focusedView: PlaneView | null = null;
  private _pointed: { view: PlaneView; at: [number, number] } | null = null;
  private _layout = 'grid';
  private _inkKey = '';
  private _frame = 0;
  private _isReady = false;
  private _isReadOutDirty = false;
  private _isSpaceDown = false;
}

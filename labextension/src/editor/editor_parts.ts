import type { Announcer } from './bars/announcer';
import { ACTION_EVENT } from './action_event';
import { FileMenu } from './bars/file_menu';
import { KeyOverlay } from './bars/key_overlay';
import { ReadOut } from './bars/read_out';
import { SaveBanner } from './bars/save_banner';
import type { SideColumn } from './bars/side_column';
import { Speech } from './bars/speech';
import type { StatusBar } from './bars/status_bar';
import { Toolbar, toolbarOptions } from './bars/toolbar';
import { type IEditorContext, NOT_YET } from './context';
import { EffectPanel } from './effects/panel';
import { Emitter } from './emitter';
import {
  ACTIONS,
  type IAction,
  type IActionTarget,
  isOffered
} from './input/actions';
import { Gestures } from './input/gestures';
import { KeyListener } from './input/key_listener';
import { KeyMap } from './input/key_map';
import { KeyPointer } from './input/key_pointer';
import { wordsOfKey } from './input/keys';
import { PointerCommands } from './input/pointer_commands';
import { MarkPanel } from './marks/mark_panel';
import { markTools } from './marks/tools';
import { LayerChooser } from './segments/layer_chooser';
import { SegmentPanel } from './segments/segment_panel';
import { ToolBox } from './tools/tool_box';
import type { PlaneView } from './view/plane_view';

/** Where the parts are put. */
export interface IEditorFrame {
  node: HTMLElement;
  side: SideColumn;
  status: StatusBar;
  announcer: Announcer;
}

/** All parts of an editor, built and connected; what the actions are done to. */
export class EditorParts implements IActionTarget {
  constructor(
    readonly context: IEditorContext,
    private readonly _frame: IEditorFrame
  ) {
    const { scene, signal } = context;
    this.readOut = new ReadOut(scene, _frame.status);
    this.panel = new SegmentPanel(context);
    this.layers = new LayerChooser(context);
    this.marks = new MarkPanel(context);
    this.tools = new ToolBox(context, markTools(context));
    this.effects = new EffectPanel(context);
    this.segments = this.panel.commands;
    const press = this._pointerCommands();
    this.pointer = new KeyPointer(context, press);
    const keys = this._listen();
    const gestures = context.planes.views.map(
      view => new Gestures(view, press, () => keys.isSpaceDown)
    );
    this._toolbar = new Toolbar(
      this,
      toolbarOptions(
        scene.volume.info,
        context.planes.views.map(({ plane }) => plane)
      ),
      _frame.node
    );
    this._keyOverlay = new KeyOverlay(
      action => this._keysInWords(action),
      () => this._keys.complaints,
      context.hasTools,
      context.trans
    );
    this.files = new FileMenu(context);
    this._banner = new SaveBanner(context);
    this._place();
    this._parts = [
      ...[this._toolbar, this.pointer, ...gestures, this.panel, this.tools],
      ...[this.effects, this.layers, this.marks, this.files, this._banner],
      new Speech(context, _frame.announcer)
    ];
    this._stop = context.session.changed.connect(() => this.changed.emit());
    this.effects.changed.connect(() => this.changed.emit());
    _frame.node.addEventListener(
      ACTION_EVENT,
      event => this._hear(event as CustomEvent<{ action?: unknown }>),
      { signal }
    );
  }

  readonly changed = new Emitter<void>();
  readonly readOut: ReadOut;
  readonly files: FileMenu;
  readonly panel: SegmentPanel;
  readonly layers: LayerChooser;
  readonly marks: MarkPanel;
  readonly tools: ToolBox;
  readonly segments: IActionTarget['segments'];
  readonly effects: EffectPanel;
  readonly pointer: KeyPointer;

  get layout(): string {
    return this.context.planes.layout;
  }

  showLayout(layout: string): void {
    this.context.planes.show(layout);
    this.changed.emit();
  }

  save(): void {
    void this.files.save();
  }

  showKeys(): void {
    this._keyOverlay.open();
  }

  /** @param changes - by action: the keys it has instead of its own */
  setKeys(changes: Readonly<Record<string, string>>): void {
    this._keys = new KeyMap(ACTIONS, changes);
    this.changed.emit();
  }

  /** What changes labels is out of reach, with the reason beside it, until all is read. */
  showReadiness(): void {
    const { hasTools, trans } = this.context;
    const isWaiting = !this.context.isReady();
    this._frame.side.wait(isWaiting && hasTools ? trans(NOT_YET) : '');
    this.files.node.inert = isWaiting;
    // Who only looks has no list to hide layers with.
    if (hasTools && !isWaiting) {
      void this.layers.refresh();
    }
    this.marks.update();
    this.changed.emit();
  }

  /** Does an action by name, whatever has the focus; false when it is not to be done. */
  run(id: string): boolean {
    const action = ACTIONS.find(each => each.id === id);
    return action !== undefined && this.press(action);
  }

  /** The first key of an action in words; empty without one. */
  keyOf(id: string): string {
    return this._keysInWords(id)[0] ?? '';
  }

  // What the keys ask for.

  actionOf(key: string): IAction | undefined {
    const action = this._keys.actionOf(key);
    const isThere =
      action &&
      (this.context.hasTools || !action.draws) &&
      isOffered(action, this.context);
    return isThere ? action : undefined;
  }

  press(action: IAction): boolean {
    const { hasTools, isReady } = this.context;
    const needsAll = action.draws || action.group === 'pointer';
    const isMeant =
      (isReady() || !needsAll) &&
      (hasTools || !action.draws) &&
      isOffered(action, this.context);
    if (!isMeant || action.isEnabled?.(this) === false) {
      return false;
    }
    const isDone = action.run(this) !== false;
    this.changed.emit();
    return isDone;
  }

  get hasPointer(): boolean {
    return this.pointer.isShown;
  }

  get isMouseInPlane(): boolean {
    return this._isMouseInPlane;
  }

  dispose(): void {
    this._stop();
    this._parts.forEach(part => part.dispose());
    this.changed.clear();
  }

  private _listen(): KeyListener {
    return new KeyListener(this._frame.node, this, this.context.signal);
  }

  private _pointerCommands(): PointerCommands {
    return new PointerCommands(this.context, {
      tools: this.tools,
      readOut: this.readOut,
      addSegment: () => this.segments.add(),
      choosesSeed: () => false,
      toggleLayout: view => this._toggleLayout(view),
      mouse: isInPlane => {
        this._isMouseInPlane = isInPlane;
        if (isInPlane) {
          this.pointer.hide();
        }
      }
    });
  }

  private _toggleLayout(view: PlaneView): void {
    if (this.context.planes.views.length > 1) {
      this.showLayout(this.layout === 'grid' ? view.plane : 'grid');
    }
  }

  /** Puts the parts' nodes where they belong. */
  private _place(): void {
    const { hasTools, scene } = this.context;
    const { node, side, status } = this._frame;
    node.prepend(this._toolbar.node, this._banner.node);
    if (this.context.session.layer) {
      status.node.append(this.files.node);
    }
    node.append(this._keyOverlay.node);
    if (hasTools || scene.labels.segments.length > 0) {
      side.place('segments', this.panel.node, this.panel.buttons);
    }
    if (hasTools) {
      side.place('layers', this.layers.node, this.layers.buttons);
      side.place('effect', this.effects.node);
    }
    if (hasTools || scene.labels.marks.size > 0) {
      side.place('marks', this.marks.node, this.marks.buttons);
    }
  }

  /** An action that the command palette asks for. */
  private _hear({ detail }: CustomEvent<{ action?: unknown }>): void {
    this.run(String(detail?.action ?? ''));
    const { activeElement } = document;
    if (!activeElement || !this._frame.node.contains(activeElement)) {
      this.context.planes.focused.node.focus();
    }
  }

  private _keysInWords(id: string): readonly string[] {
    const { trans } = this.context;
    return this._keys.keysOf(id).map(key => wordsOfKey(key, trans));
  }

  private readonly _parts: readonly { dispose(): void }[];
  private readonly _toolbar: Toolbar;
  private readonly _banner: SaveBanner;
  private readonly _keyOverlay: KeyOverlay;
  private readonly _stop: () => void;
  private _keys: KeyMap<IAction> = new KeyMap(ACTIONS);
  private _isMouseInPlane = false;
}

import { splitFrames } from '../../server/frames';
import { fetchHistory, readLabelFile } from '../../server/labels';
import {
  decodeSnapshot,
  type IDelta,
  type ISnapshot
} from '../../server/messages';
import type { IMark, ISegment, IVolumeInfo } from '../../server/types';

import { Emitter } from '../emitter';
import { author } from './author';
import {
  applyEdit,
  type Edit,
  inverted,
  marksEdit,
  segmentsEdit
} from './delta';
import { Drawing } from './drawing';
import { additions, divided } from './import';
import type { IPlace, SaveState } from './journal';
import { LabelMap } from './label_map';
import type { Work } from './later';
import type { LayerFile } from './layer_file';
import { LayerHistory } from './layer_history';
import { isSame, mergeMarks } from './lists';
import { freeLayerName, type ISessionOptions } from './open_layer';
import { OtherLayers } from './other_layers';
import { removal } from './removal';
import { type Place, ServedLayer } from './served_layer';
import type { ITrouble } from './trouble';
import { turnStep } from './turning';
import type { IConflict } from './waiting';

export type { Place } from './served_layer';

/** Steps that can be taken back after a reload of the page. */
const STEPS = 200;

/**
 * The layer open in an editor: its map, its history and its journal. The map stays the
 * same object when another layer is opened in its place.
 */
export class LabelSession {
  private constructor(
    private readonly _options: ISessionOptions,
    readonly labels: LabelMap
  ) {
    const { server, scanId } = _options;
    const { signal } = this._closed;
    this._by = _options.author ?? author();
    this._history = new LayerHistory(this._by);
    this._served = new ServedLayer(_options, labels, this._by, signal);
    this._served.changed.connect(() => this.changed.emit());
    this._served.replaced.connect(() => this._history.clear());
    this._served.conflicted.connect(told => this.conflicted.emit(told));
    this._served.received.connect(delta => this._remember(delta));
    this.others = new OtherLayers(server, scanId, labels, signal);
  }

  /**
   * A session whose layer is still to be loaded: by its name alone it can be shown.
   *
   * @param info - of the scan
   */
  static unloaded(
    options: ISessionOptions,
    info: Pick<IVolumeInfo, 'shape'>
  ): LabelSession {
    const session = new LabelSession(options, new LabelMap(info.shape));
    session.labels.name = (options.tools && options.layer) || '';
    return session;
  }

  /** Loads the layer, and makes it when it is to be drawn on. */
  static async open(
    options: ISessionOptions,
    info: Pick<IVolumeInfo, 'shape'>,
    signal: AbortSignal
  ): Promise<LabelSession> {
    const session = LabelSession.unloaded(options, info);
    await session.load(signal);
    return session;
  }

  /** The saving state, the sentence to it or the history changed. */
  readonly changed = new Emitter<void>();
  /** The scan's further layers, to look at. */
  readonly others: OtherLayers;
  /** Others came between: what the reader should know of. */
  readonly conflicted = new Emitter<IConflict[]>();

  /** Name of the layer; empty without one. */
  get layer(): string {
    return this.labels.name;
  }

  get state(): SaveState {
    return this._served.state(this._drawing.isCoding);
  }

  get message(): string {
    return this.trouble?.message ?? '';
  }

  /** Why edits do not get where they should; null when they do. */
  get trouble(): ITrouble | null {
    return this._served.trouble;
  }

  /** Where what is shown would be found again. */
  get place(): Place {
    return this._served.place(this._drawing.isCoding);
  }

  /** Edits that the server has not acknowledged. */
  get waiting(): number {
    return this._served.journal?.waiting ?? 0;
  }

  /** The file that the layer is saved to; null without a layer. */
  get file(): LayerFile | null {
    return this._served.file;
  }

  /** Revision of the layer that the map holds, edits that wait not counted. */
  get rev(): number {
    return this._served.journal?.rev ?? 0;
  }

  /** The layer is here, or why it is not. */
  get isLoaded(): boolean {
    return this.isKept || this._served.isDamaged;
  }

  /** There is a layer on the server. */
  get isKept(): boolean {
    return this._served.journal !== null;
  }

  /** By id. */
  get marks(): ReadonlyMap<string, IMark> {
    return this.labels.marks;
  }

  /** Further layers that are shown below this one. */
  get otherLayers(): LabelMap[] {
    return this.others.shown;
  }

  get canUndo(): boolean {
    return this._drawing.isCoding || this._history.canUndo;
  }

  get canRedo(): boolean {
    return !this._drawing.isCoding && this._history.canRedo;
  }

  /** A stroke is in the making: until it ends nothing else changes voxels. */
  get isDrawing(): boolean {
    return this._drawing.isDrawing;
  }

  /** As `open`, of a session that was made before. */
  async load(signal: AbortSignal): Promise<void> {
    const { layer } = this._options;
    if (layer) {
      await this._served.load(layer, signal);
    }
  }

  async start(): Promise<void> {
    await this._restoreHistory();
    await this._served.journal?.start();
    void this._served.file?.refresh(this._closed.signal);
  }

  /**
   * A stroke begins: others' edits wait until `release` or `commitLater`.
   *
   * @param soFar - the edit that the stroke is up to now, should the page die
   */
  hold(soFar: (() => Edit | null) | null = null): void {
    this.flush();
    this._drawing.begin(soFar);
  }

  release(): void {
    this._drawing.drop();
  }

  retry(): void {
    this._served.journal?.retry();
  }

  /** The page may be gone in a moment: puts everything into the browser's store. */
  keepNow(): void {
    this.flush();
    this._drawing.keep();
  }

  /**
   * Takes a stroke that the map shows already; makes its edit between other events.
   *
   * The map stays as it is until then: whatever else would change it calls `flush`.
   */
  commitLater(coding: Work<Edit | null>): void {
    this._drawing.code(coding, edit => {
      if (edit) {
        this.commit([edit]);
      } else {
        this._drawing.forget();
        this.changed.emit();
      }
    });
    if (this._drawing.isCoding) {
      this.changed.emit();
    }
  }

  /** Hands over what is still being made into an edit, now. */
  flush(): void {
    this._drawing.finish();
  }

  /** Resolves with the revision once the server has every edit. */
  settled(): Promise<number> {
    this.flush();
    return this._served.journal?.settled() ?? Promise.resolve(0);
  }

  /** Asks for what others wrote, now instead of within two seconds. */
  poll(): Promise<void> {
    return this._served.journal?.poll() ?? Promise.resolve();
  }

  /** Takes edits that the map shows already as one step of the history. */
  commit(edits: readonly Edit[]): void {
    this.flush();
    if (this._served.isDamaged) {
      // Nothing can keep it: it is not drawn, rather than lost later.
      [...edits].reverse().forEach(edit => {
        applyEdit(this.labels, inverted(edit));
      });
      this.changed.emit();
      return;
    }
    let step: number | undefined;
    for (const edit of edits) {
      step ??= this._add(edit, { step }).seq;
      if (edit !== edits[0]) {
        this._add(edit, { step });
      }
    }
    this._drawing.replaced();
    this.changed.emit();
  }

  /** Makes this the list of segments: names, colours, locks, order and all. */
  commitSegments(after: readonly ISegment[]): void {
    this.flush();
    const edit = segmentsEdit(this.labels.segments, after);
    if (!isSame(edit.segments?.before, edit.segments?.after)) {
      applyEdit(this.labels, edit);
      this.commit([edit]);
    }
  }

  /**
   * Adds, changes and removes marks as one step.
   *
   * @param before - the marks as they are, only those that change; empty to add
   * @param after - as they shall be; empty to remove
   */
  commitMarks(before: readonly IMark[], after: readonly IMark[]): void {
    this.flush();
    const edit = marksEdit(before, after);
    if (edit.marks) {
      this.labels.setMarks(mergeMarks(this.labels.marks, edit.marks));
      this.commit([edit]);
    }
  }

  undo(): void {
    this._turn('undo');
  }

  redo(): void {
    this._turn('redo');
  }

  /**
   * Clears the segment's voxels and takes it from the list, as one step.
   *
   * @returns false when it is locked, not there, or a stroke is in the making
   */
  removeSegment(id: number): boolean {
    this.flush();
    const segment = this.labels.segment(id);
    if (!segment || segment.locked || this._drawing.isDrawing) {
      return false;
    }
    this._commitUnseen(removal(this.labels, id));
    return true;
  }

  /** Opens another layer in the place of this one; what waits is sent on its own. */
  async switchLayer(name: string): Promise<void> {
    if (this._drawing.isDrawing) {
      return;
    }
    this.flush();
    await this._served.switchTo(name);
    await this.start();
    this.changed.emit();
  }

  /** What a label file holds, one snapshot for each layer that it needs. */
  async readFile(path: string): Promise<ISnapshot[]> {
    const { server, scanId } = this._options;
    const { signal } = this._closed;
    const body = await readLabelFile(server, scanId, this.layer, path, signal);
    return splitFrames(body).map(decodeSnapshot);
  }

  /**
   * Takes what a file holds into the labels, as one step of the history.
   *
   * @param replaces - the layer becomes what the file holds, instead of getting it in
   *   addition
   * @returns names of the layers that it went to: what overlaps gets a further one
   */
  async takeIn(
    snapshots: readonly ISnapshot[],
    replaces = false
  ): Promise<string[]> {
    this.flush();
    const { step, further } = divided(this.labels, snapshots, replaces);
    const names: string[] = [];
    if (step) {
      this._commitUnseen(step);
      names.push(this.layer);
    }
    for (const snapshot of further) {
      names.push(await this._takeIntoNewLayer(snapshot));
    }
    if (further.length > 0) {
      await this.others.refresh();
    }
    return names;
  }

  /** Makes a further layer and opens it. */
  async addLayer(): Promise<void> {
    await this.switchLayer(await freeLayerName(this._options, this.layer));
    await this.others.refresh();
  }

  /** Goes back to the last state that is whole, after damage on the server's disk. */
  async recover(): Promise<void> {
    await this._served.recover();
    await this.start();
    this.changed.emit();
  }

  dispose(): void {
    this.keepNow();
    this._closed.abort();
    this._served.dispose();
    this.changed.clear();
    this.conflicted.clear();
    this.labels.changed.clear();
  }

  /** Takes edits that the map does not show yet as one step of the history. */
  private _commitUnseen(step: readonly Edit[]): void {
    step.forEach(edit => applyEdit(this.labels, edit));
    this.commit(step);
  }

  private async _takeIntoNewLayer(snapshot: ISnapshot): Promise<string> {
    const { shape } = this.labels;
    const layer = await freeLayerName(this._options, this.layer);
    const options = { ...this._options, layer, segments: [] };
    const { signal } = this._closed;
    const other = await LabelSession.open(options, { shape }, signal);
    await other.start();
    other._commitUnseen(additions(other.labels, snapshot));
    try {
      await other.settled();
    } finally {
      other.dispose();
    }
    return layer;
  }

  /** What an earlier page, or another one of the same author, did. */
  private async _restoreHistory(): Promise<void> {
    const { server, scanId, tools } = this._options;
    if (!tools || !this._served.journal || this._history.isRestored) {
      return;
    }
    const { signal } = this._closed;
    await this._history.restore(() =>
      fetchHistory(server, scanId, this.layer, this._by, STEPS, signal)
    );
    this.changed.emit();
  }

  private _add(edit: Edit, place: IPlace): IDelta {
    const delta = this._served.add(edit, place);
    this._remember(delta);
    return delta;
  }

  private _remember(delta: IDelta): void {
    this._history.fold(delta);
    this.changed.emit();
  }

  private _turn(what: 'undo' | 'redo'): void {
    if (this._drawing.isDrawing) {
      return;
    }
    this.flush();
    const isUndo = what === 'undo';
    const step = isUndo ? this._history.nextUndo() : this._history.nextRedo();
    if (!step) {
      return;
    }
    const conflicts = turnStep(this.labels, step, what, (edit, place) =>
      this._add(edit, place)
    );
    if (conflicts.length > 0) {
      this.conflicted.emit(conflicts);
    }
    this.changed.emit();
  }

  private readonly _by: string;
  private readonly _history: LayerHistory;
  private readonly _served: ServedLayer;
  private readonly _drawing = new Drawing(() => this._served.journal);
  private readonly _closed = new AbortController();
}

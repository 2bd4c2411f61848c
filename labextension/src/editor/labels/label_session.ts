import { ServerError } from '../../server/connection';
import {
  decodeDelta,
  decodeSnapshot,
  type IDelta,
  type ISnapshot,
  splitFrames
} from '../../server/frames';
import {
  fetchHistory,
  readLabelFile,
  recoverLayer
} from '../../server/requests';
import type { IMark, ISegment, IVolumeInfo } from '../../server/types';

import { Emitter } from '../emitter';
import { author, newSession } from './author';
import { boxOf, copyBox } from './box';
import {
  applyEdit,
  type Edit,
  inverted,
  marksEdit,
  segmentsEdit,
  voxelEdit
} from './delta';
import { History } from './history';
import { additions, overlapsMap, replacements } from './import';
import { type IPlace, Journal, type SaveState } from './journal';
import { LabelMap } from './label_map';
import { Later, type Work } from './later';
import { LayerFile } from './layer_file';
import { isSame, mergeMarks } from './lists';
import { freeLayerName, type ISessionOptions, loadLayer } from './open_layer';
import { OtherLayers } from './other_layers';
import { type ITrouble, troubleOf } from './trouble';
import { turnStep } from './turning';
import type { IConflict } from './waiting';

/** Steps that can be taken back after a reload of the page. */
const STEPS = 200;

/**
 * Where what is shown would be found again, from the least safe place to the safest:
 * nowhere but in this page, in this browser, on the server's disk, also in the file.
 */
export type Place = 'page' | 'browser' | 'disk' | 'file';

/**
 * The layer open in an editor: its map, its history and its journal. The map stays the
 * same object when another layer is opened in its place.
 */
export class LabelSession {
  private constructor(
    private readonly _options: ISessionOptions,
    readonly labels: LabelMap
  ) {
    this._by = _options.author ?? author();
    this._history = new History(this._by);
    this.others = new OtherLayers(
      _options.server,
      _options.scanId,
      labels,
      this._closed.signal
    );
  }

  /** Loads the layer, and makes it when it is to be drawn on. */
  static async open(
    options: ISessionOptions,
    info: Pick<IVolumeInfo, 'shape'>,
    signal: AbortSignal
  ): Promise<LabelSession> {
    const session = new LabelSession(options, new LabelMap(info.shape));
    if (options.layer) {
      await session._load(options.layer, signal);
    }
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
    if (this._damage) {
      return 'unsaved';
    }
    const state = this._journal?.state ?? 'saved';
    return this._coder.isBusy && state === 'saved' ? 'saving' : state;
  }

  get message(): string {
    return this.trouble?.message ?? '';
  }

  /** Why edits do not get where they should; null when they do. */
  get trouble(): ITrouble | null {
    if (this._damage ?? this._journal?.trouble) {
      return this._damage ?? this._journal?.trouble ?? null;
    }
    return this._journal?.storeFails
      ? { kind: 'browser', message: '', lastGoodRev: null }
      : null;
  }

  /** Where what is shown would be found again. */
  get place(): Place {
    const journal = this._journal;
    if (!journal) {
      return 'disk';
    }
    if (this._coder.isBusy || journal.waiting > 0) {
      const isKept = !this._coder.isBusy && journal.isKept;
      return isKept && !journal.storeFails ? 'browser' : 'page';
    }
    return this._file?.holds(journal.rev) ? 'file' : 'disk';
  }

  /** Edits that the server has not acknowledged. */
  get waiting(): number {
    return this._journal?.waiting ?? 0;
  }

  /** The file that the layer is saved to; null without a layer. */
  get file(): LayerFile | null {
    return this._file;
  }

  /** Revision of the layer that the map holds, edits that wait not counted. */
  get rev(): number {
    return this._journal?.rev ?? 0;
  }

  /** There is a layer on the server. */
  get isKept(): boolean {
    return this._journal !== null;
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
    return this._coder.isBusy || this._history.canUndo;
  }

  get canRedo(): boolean {
    return !this._coder.isBusy && this._history.canRedo;
  }

  /** A stroke is in the making: until it ends nothing else changes voxels. */
  get isDrawing(): boolean {
    return this._isDrawing;
  }

  async start(): Promise<void> {
    await this._restoreHistory();
    await this._journal?.start();
    void this._file?.refresh(this._closed.signal);
  }

  /**
   * A stroke begins: others' edits wait until `release` or `commitLater`.
   *
   * @param soFar - the edit that the stroke is up to now, should the page die
   */
  hold(soFar: (() => Edit | null) | null = null): void {
    this.flush();
    this._isDrawing = true;
    this._soFar = soFar;
    this._journal?.hold();
  }

  release(): void {
    this._dropUnfinished();
    this._isDrawing = false;
    this._soFar = null;
    this._journal?.release();
  }

  retry(): void {
    this._journal?.retry();
  }

  /** The page may be gone in a moment: puts everything into the browser's store. */
  keepNow(): void {
    this.flush();
    const edit = this._soFar?.();
    if (edit) {
      void this._journal?.keepUnfinished(edit);
      this._hasUnfinished = true;
    }
  }

  /**
   * Takes a stroke that the map shows already; makes its edit between other events.
   *
   * The map stays as it is until then: whatever else would change it calls `flush`.
   */
  commitLater(coding: Work<Edit | null>): void {
    this._isDrawing = false;
    this._soFar = null;
    this._coder.start(coding, edit => {
      this._journal?.release();
      if (edit) {
        this.commit([edit]);
      } else {
        this._dropUnfinished();
        this.changed.emit();
      }
    });
    if (this._coder.isBusy) {
      this.changed.emit();
    }
  }

  /** Hands over what is still being made into an edit, now. */
  flush(): void {
    this._coder.finish();
  }

  /** Resolves with the revision once the server has every edit. */
  settled(): Promise<number> {
    this.flush();
    return this._journal?.settled() ?? Promise.resolve(0);
  }

  /** Asks for what others wrote, now instead of within two seconds. */
  poll(): Promise<void> {
    return this._journal?.poll() ?? Promise.resolve();
  }

  /** Takes edits that the map shows already as one step of the history. */
  commit(edits: readonly Edit[]): void {
    this.flush();
    if (this._damage) {
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
    this._hasUnfinished = false;
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
    if (!segment || segment.locked || this._isDrawing) {
      return false;
    }
    const cleared = this._clearing(id);
    if (cleared) {
      applyEdit(this.labels, cleared);
    }
    const before = this.labels.segments;
    const after = before.filter(other => other.id !== id);
    const removed = segmentsEdit(before, after);
    this.labels.setSegments(after);
    this.commit(cleared ? [cleared, removed] : [removed]);
    return true;
  }

  /** Opens another layer in the place of this one; what waits is sent on its own. */
  async switchLayer(name: string): Promise<void> {
    if (this._isDrawing) {
      return;
    }
    this.flush();
    const { signal } = this._closed;
    const old = this._journal;
    await this._load(name, signal);
    void retire(old);
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
    const [first, ...more] = snapshots;
    const rest = [...more];
    const names: string[] = [];
    if (replaces) {
      this._commitUnseen(replacements(this.labels, first));
      names.push(this.layer);
    } else if (overlapsMap(this.labels, first)) {
      rest.unshift(first);
    } else {
      this._commitUnseen(additions(this.labels, first));
      names.push(this.layer);
    }
    for (const snapshot of rest) {
      names.push(await this._takeIntoNewLayer(snapshot));
    }
    if (rest.length > 0) {
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
    const { server, scanId, layer } = this._options;
    const name = this.layer || (layer ?? '');
    await recoverLayer(server, scanId, name);
    const old = this._journal;
    await this._load(name, this._closed.signal);
    old?.dispose();
    await this.start();
    this.changed.emit();
  }

  dispose(): void {
    this.keepNow();
    this._closed.abort();
    this._journal?.dispose();
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

  private async _load(layer: string, signal: AbortSignal): Promise<void> {
    const { server, scanId } = this._options;
    this._damage = null;
    try {
      const { shape } = this.labels;
      const opened = await loadLayer(this._options, layer, shape, signal);
      if (!opened) {
        return;
      }
      const { data, segments, marks, rev } = opened.snapshot;
      this._journal = null;
      this._history.clear();
      this._early = [];
      this.labels.name = layer;
      this.labels.replace(data, segments, marks);
      const [map, by] = [this.labels, this._by];
      const journal = new Journal(
        ...[{ server, scan: scanId, layer, map, rev, store: opened.store, by }]
      );
      this._follow(journal);
      this._file = new LayerFile(server, scanId, layer);
      this._file.changed.connect(() => this.changed.emit());
    } catch (error) {
      if (!(error instanceof ServerError && error.code === 'journal-damaged')) {
        throw error;
      }
      this._journal = null;
      this.labels.name = layer;
      this._damage = troubleOf(error);
      this.changed.emit();
    }
  }

  private _follow(journal: Journal): void {
    this._journal = journal;
    journal.stateChanged.connect(() => this.changed.emit());
    journal.conflicted.connect(told => this.conflicted.emit(told));
    journal.received.connect(delta => this._remember(delta));
  }

  /** What an earlier page, or another one of the same author, did. */
  private async _restoreHistory(): Promise<void> {
    const { server, scanId, tools } = this._options;
    if (!tools || !this._journal || !this._early) {
      return;
    }
    const { layer } = this;
    const { signal } = this._closed;
    try {
      const body = await fetchHistory(
        ...([server, scanId, layer, this._by, STEPS, signal] as const)
      );
      const early = this._early;
      this._history.clear();
      splitFrames(body).forEach(frame => {
        this._history.fold(decodeDelta(frame));
      });
      early.forEach(delta => this._history.fold(delta));
    } catch {
      // Without it, undo reaches back to the opening of the page.
    }
    this._early = null;
    this.changed.emit();
  }

  private _add(edit: Edit, place: IPlace): IDelta {
    const delta = this._journal?.add(edit, place) ?? {
      ...{ ...edit, scan: '', layer: '', rev: null, base: 0 },
      ...{ session: this._session, seq: ++this._seq, by: this._by },
      ...(place.turn ? { turn: place.turn } : { step: place.step })
    };
    this._remember(delta);
    return delta;
  }

  private _remember(delta: IDelta): void {
    this._early?.push(delta);
    this._history.fold(delta);
    this.changed.emit();
  }

  private _turn(what: 'undo' | 'redo'): void {
    if (this._isDrawing) {
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

  private _clearing(id: number): Edit | null {
    const box = boxOf(this.labels.data, this.labels.shape, id);
    if (!box) {
      return null;
    }
    const before = copyBox(this.labels.data, this.labels.shape, box);
    const after = before.map(label => (label === id ? 0 : label));
    return voxelEdit('clear', id, box, before, after as typeof before);
  }

  private _dropUnfinished(): void {
    if (this._hasUnfinished) {
      this._hasUnfinished = false;
      void this._journal?.keepUnfinished(null);
    }
  }

  private _journal: Journal | null = null;
  private _file: LayerFile | null = null;
  private _damage: ITrouble | null = null;
  private _soFar: (() => Edit | null) | null = null;
  private _hasUnfinished = false;
  private _isDrawing = false;
  /** What was done before the history of earlier pages is here; null once it is. */
  private _early: IDelta[] | null = [];
  private _seq = 0;
  private readonly _session = newSession();
  private readonly _by: string;
  private readonly _history: History;
  private readonly _coder = new Later<Edit | null>();
  private readonly _closed = new AbortController();
}

/** Lets a journal that is no longer shown send what it has, and ends it. */
async function retire(journal: Journal | null): Promise<void> {
  try {
    await journal?.settled();
  } catch {
    // It lies in the browser, and goes when the layer is opened next.
  }
  journal?.dispose();
}

import { type IServer, ServerError } from '../../server/connection';
import { type Box, decodeFrame, decodeSnapshot } from '../../server/frames';
import { fetchLayer, fetchSnapshot, openLayer } from '../../server/requests';
import type { ILayerInfo, ISegment, IVolumeInfo } from '../../server/types';
import { fullSegment } from '../../server/wire';

import { copyBox } from './box';
import {
  applyEdit,
  type Edit,
  rebased,
  segmentsEdit,
  voxelEdit
} from './delta';
import { Emitter } from '../emitter';
import { History } from './history';
import { Journal, type SaveState } from './journal';
import { LabelMap } from './label_map';
import { Later, type Work } from './later';
import { MemoryStore, openPendingStore } from './pending_store';

const FIRST_SEGMENT = fullSegment({
  id: 1,
  name: 'segment 1',
  color: '#e6550d'
});

interface ISessionOptions {
  server: IServer;
  scanId: string;
  layer?: string;
  tools: boolean;
  segments?: Partial<ISegment>[];
}

/** One layer open in an editor: the map, its history and its journal. */
export class LabelSession {
  private constructor(
    readonly labels: LabelMap,
    private readonly _journal: Journal | null
  ) {
    _journal?.stateChanged.connect(() => this.changed.emit());
  }

  /** Loads the layer, and makes it when it is to be drawn on. */
  static async open(
    options: ISessionOptions,
    info: IVolumeInfo,
    signal: AbortSignal
  ): Promise<LabelSession> {
    const { server, scanId, layer } = options;
    const found = layer ? await findLayer(options, layer) : null;
    if (!found || !layer) {
      return new LabelSession(new LabelMap(info.shape), null);
    }
    if (found.shape.some((size, axis) => size !== info.shape[axis])) {
      throw new ServerError(
        422,
        'other-grid',
        `The layer "${layer}" has ${found.shape.join(' x ')} voxels, the scan ` +
          `${info.shape.join(' x ')}. Choose a layer that was drawn on this scan.`
      );
    }
    const body = await fetchSnapshot(server, scanId, layer, signal);
    const { data, segments, rev } = decodeSnapshot(decodeFrame(body));
    const labels = new LabelMap(info.shape, data, segments);
    const store = options.tools
      ? await openPendingStore(scanId, layer)
      : new MemoryStore();
    return new LabelSession(
      labels,
      new Journal(server, scanId, layer, labels, rev, store)
    );
  }

  /** The saving state, the sentence to it or the history changed. */
  readonly changed = new Emitter<void>();

  get state(): SaveState {
    const state = this._journal?.state ?? 'saved';
    return this._coder.isBusy && state === 'saved' ? 'saving' : state;
  }

  get message(): string {
    return this._journal?.message ?? '';
  }

  /** Revision of the layer that the map holds, edits that wait not counted. */
  get rev(): number {
    return this._journal?.rev ?? 0;
  }

  /** There is a layer on the server. */
  get isKept(): boolean {
    return this._journal !== null;
  }

  get canUndo(): boolean {
    return this._coder.isBusy || this._history.canUndo;
  }

  get canRedo(): boolean {
    return !this._coder.isBusy && this._history.canRedo;
  }

  start(): Promise<void> {
    return this._journal?.start() ?? Promise.resolve();
  }

  /** A stroke begins: others' edits wait until `release` or `commitLater`. */
  hold(): void {
    this.flush();
    this._journal?.hold();
  }

  release(): void {
    this._journal?.release();
  }

  retry(): void {
    this._journal?.retry();
  }

  /**
   * Takes a stroke that the map shows already; makes its edit between other events.
   *
   * The map stays as it is until then: whatever else would change it calls `flush`.
   */
  commitLater(coding: Work<Edit | null>): void {
    this._coder.start(coding, edit => {
      this.release();
      if (edit) {
        this.commit([edit]);
      } else {
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

  /** Takes edits that the map shows already as one step of the history. */
  commit(step: Edit[]): void {
    this.flush();
    this._history.add(step);
    step.forEach(edit => this._journal?.add(edit));
    this.changed.emit();
  }

  undo(): void {
    this.flush();
    this._replay(this._history.undo());
  }

  redo(): void {
    this.flush();
    this._replay(this._history.redo());
  }

  /** Clears the segment's voxels and takes it from the list, as one step. */
  removeSegment(id: number): void {
    this.flush();
    const before = this.labels.segments;
    const after = before.filter(segment => segment.id !== id);
    const cleared = this._clearing(id);
    if (cleared) {
      applyEdit(this.labels, cleared);
    }
    this.labels.setSegments(after);
    const removed = segmentsEdit(before, after);
    this.commit(cleared ? [cleared, removed] : [removed]);
  }

  dispose(): void {
    this.flush();
    this._journal?.dispose();
    this.changed.clear();
    this.labels.changed.clear();
  }

  private _replay(edits: Edit[]): void {
    for (const edit of edits) {
      // Voxels that others changed since keep what they hold.
      const now = rebased(this.labels, edit, true);
      if (now) {
        applyEdit(this.labels, now);
        this._journal?.add(now);
      }
    }
    this.changed.emit();
  }

  private _clearing(id: number): Edit | null {
    const box = boxOf(this.labels, id);
    if (!box) {
      return null;
    }
    const before = copyBox(this.labels.data, this.labels.shape, box);
    const after = before.map(label => (label === id ? 0 : label));
    return voxelEdit('clear', id, box, before, after as typeof before);
  }

  private readonly _history = new History();
  private readonly _coder = new Later<Edit | null>();
}

async function findLayer(
  { server, scanId, tools, segments }: ISessionOptions,
  layer: string
): Promise<ILayerInfo | null> {
  if (tools) {
    return openLayer(server, scanId, layer, segments ?? [FIRST_SEGMENT]);
  }
  try {
    return await fetchLayer(server, scanId, layer);
  } catch (error) {
    if (error instanceof ServerError && error.status === 404) {
      return null;
    }
    throw error;
  }
}

function boxOf(map: LabelMap, id: number): Box | null {
  const [I, J, K] = map.shape;
  const box: Box = [I, 0, J, 0, K, 0];
  let at = 0;
  for (let k = 0; k < K; k++) {
    for (let j = 0; j < J; j++) {
      for (let i = 0; i < I; i++, at++) {
        if (map.data[at] === id) {
          box[0] = Math.min(box[0], i);
          box[1] = Math.max(box[1], i + 1);
          box[2] = Math.min(box[2], j);
          box[3] = Math.max(box[3], j + 1);
          box[4] = Math.min(box[4], k);
          box[5] = k + 1;
        }
      }
    }
  }
  return box[1] > box[0] ? box : null;
}

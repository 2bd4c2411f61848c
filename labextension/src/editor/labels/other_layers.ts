import type { IServer } from '../../server/connection';
import { decodeFrame, splitFrames } from '../../server/frames';
import { fetchLayers, fetchOps, fetchSnapshot } from '../../server/labels';
import { decodeDelta, decodeSnapshot } from '../../server/messages';
import type { ILayerSummary } from '../../server/types';

import { Emitter } from '../emitter';
import { applyEdit } from './delta';
import { LabelMap } from './label_map';

/** Layers are shown unasked up to this many voxels of all of them. */
const VOXELS_UNASKED = 64 * 2 ** 20;

/** The layers of the scan beside the one that is drawn on: to look at. */
export class OtherLayers {
  constructor(
    private readonly _server: IServer,
    private readonly _scan: string,
    /** The layer that is drawn on. */
    private readonly _active: LabelMap,
    private readonly _signal: AbortSignal
  ) {}

  /** The list, or what is shown of it, became different. */
  readonly changed = new Emitter<void>();

  /** All layers of the scan, the one that is drawn on included. */
  get list(): readonly ILayerSummary[] {
    return this._list;
  }

  /** Those that are shown, in the order of the list; each map has the layer's name. */
  get shown(): LabelMap[] {
    return this._list.flatMap(({ name }) => this._shown.get(name)?.map ?? []);
  }

  isShown(name: string): boolean {
    return this._shown.has(name);
  }

  /** Asks for the list, and brings those that are shown up to date. */
  async refresh(): Promise<void> {
    const list = await fetchLayers(this._server, this._scan);
    const active = this._active.name;
    const isNew = (name: string) => !this._known.has(name);
    const others = list.filter(({ name }) => name !== active);
    const size = this._active.data.length;
    for (const { name } of others.filter(each => isNew(each.name))) {
      this._known.add(name);
      if ((this._shown.size + 1) * size <= VOXELS_UNASKED) {
        this._shown.set(name, null);
      }
    }
    this._list = list;
    for (const name of [...this._shown.keys()]) {
      const summary = others.find(other => other.name === name);
      if (summary) {
        await this._load(name, summary.rev);
      } else {
        this._shown.delete(name);
      }
    }
    this.changed.emit();
  }

  async show(name: string, isShown: boolean): Promise<void> {
    this._known.add(name);
    if (isShown) {
      await this._load(name, Infinity);
    } else {
      this._shown.delete(name);
    }
    this.changed.emit();
  }

  private async _load(name: string, rev: number): Promise<void> {
    const known = this._shown.get(name);
    const place = [this._server, this._scan, name] as const;
    if (known && known.rev >= rev) {
      return;
    }
    if (known) {
      const ops = await fetchOps(...place, known.rev, this._signal);
      for (const frame of splitFrames(ops)) {
        const delta = decodeDelta(frame);
        if (delta.rev === known.rev + 1) {
          applyEdit(known.map, delta);
          known.rev = delta.rev;
        }
      }
      if (known.rev >= rev || rev === Infinity) {
        return;
      }
    }
    const body = await fetchSnapshot(...place, this._signal);
    const { data, segments, marks, ...told } = decodeSnapshot(
      decodeFrame(body)
    );
    const map = new LabelMap(told.shape, data, segments, marks, name);
    this._shown.set(name, { map, rev: told.rev });
  }

  private _list: readonly ILayerSummary[] = [];
  /** null until it was loaded. */
  private readonly _shown = new Map<
    string,
    { map: LabelMap; rev: number } | null
  >();
  private readonly _known = new Set<string>();
}

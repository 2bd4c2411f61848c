import type { IServer } from '../../server/connection';
import { fetchSlab, slabsOf } from '../../server/slabs';
import type { IVolumeInfo, Triple } from '../../server/types';
import {
  type Box,
  bytesOf,
  emptyVoxels,
  type Voxels
} from '../../server/voxels';

import { gridOf, type IGrid } from './geometry';

const AT_ONCE = 2;

/** Positions that differ by less than this part of a voxel are the same. */
const SAME_PLACE = 1e-3;

/** A scan's voxels in the browser; they arrive slab by slab, the middle first. */
export class Volume {
  constructor(info: IVolumeInfo) {
    const [i, j, k] = info.shape;
    this._info = info;
    this._grid = gridOf(info.shape, info.affine);
    this._data = emptyVoxels(info.dtype, info.channels * i * j * k);
    this._arrived = new Uint8Array(k);
    this._missing = k;
  }

  get info(): IVolumeInfo {
    return this._info;
  }

  get grid(): IGrid {
    return this._grid;
  }

  /** i fastest, then j, k; three channels (red, green, blue) side by side before i. */
  get data(): Voxels {
    return this._data;
  }

  /** Part that has arrived, 0 to 1. */
  get progress(): number {
    return 1 - this._missing / this._arrived.length;
  }

  /** Every voxel is here. */
  get isWhole(): boolean {
    return this._missing === 0;
  }

  /** The voxels of this plane along k are here. */
  hasArrived(k: number): boolean {
    return this._arrived[k] === 1;
  }

  /** Where planes along k are here, each `k0 <= k < k1` as long as can be. */
  arrivedRuns(): [number, number][] {
    const runs: [number, number][] = [];
    this._arrived.forEach((isHere, k) => {
      const last = runs.at(-1);
      if (isHere && last?.[1] === k) {
        last[1] = k + 1;
      } else if (isHere) {
        runs.push([k, k + 1]);
      }
    });
    return runs;
  }

  /** What has arrived, for a look at its intensities: all, or the first plane of it. */
  get sample(): Voxels {
    const at = this.isWhole ? -1 : this._arrived.indexOf(1);
    const plane = this._data.length / this._arrived.length;
    return at < 0
      ? this._data
      : this._data.subarray(at * plane, at * plane + plane);
  }

  /** Puts planes along k in their place. */
  put(box: Box, voxels: Voxels): void {
    const [i, j] = this._info.shape;
    this._data.set(voxels, this._info.channels * i * j * box[4]);
    this._note(box[4], box[5]);
  }

  /**
   * Takes in what is known once the scan is decoded, after one plane of it told the rest.
   *
   * @returns false, with nothing changed, where that is another scan than the plane's
   */
  complete(info: IVolumeInfo): boolean {
    if (!isSameGrid(this._info, info)) {
      return false;
    }
    if (info.dtype !== this._info.dtype) {
      // One plane may fit into a smaller type than all of them do.
      const old = this._data;
      this._data = emptyVoxels(info.dtype, old.length);
      const plane = old.length / this._arrived.length;
      this._arrived.forEach((isHere, k) => {
        if (isHere) {
          const [from, to] = [k * plane, (k + 1) * plane];
          this._data.set(old.subarray(from, to), from);
        }
      });
    }
    this._info = info;
    this._grid = gridOf(info.shape, info.affine);
    return true;
  }

  /** Fetches the plane in the middle, where it is not here: there is something to see. */
  async loadMiddle(server: IServer, signal: AbortSignal): Promise<void> {
    const middle = this._info.shape[2] >> 1;
    if (!this.hasArrived(middle)) {
      const one: [number, number] = [middle, middle + 1];
      const arrived = (k0: number, k1: number) => this._note(k0, k1);
      await fetchSlab(server, this._info, one, this._bytes, arrived, signal);
    }
  }

  /**
   * Fetches all planes, those in the middle first.
   *
   * @param onPlanes - called with the planes along k that have just arrived
   */
  async load(
    server: IServer,
    onPlanes: (k0: number, k1: number) => void,
    signal: AbortSignal
  ): Promise<void> {
    const [, , depth] = this._info.shape;
    const fromMiddle = ([k0, k1]: [number, number]) =>
      Math.abs(k0 + k1 - depth);
    const slabs = slabsOf(this._info).sort(
      (a, b) => fromMiddle(a) - fromMiddle(b)
    );
    const voxels = this._bytes;
    const arrived = (k0: number, k1: number) => {
      this._note(k0, k1);
      onPlanes(k0, k1);
    };
    const worker = async () => {
      for (let slab = slabs.shift(); slab; slab = slabs.shift()) {
        await fetchSlab(server, this._info, slab, voxels, arrived, signal);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** The voxel's intensity, or red, green and blue. */
  valuesAt(ijk: Triple): number[] {
    const [I, J] = this._info.shape;
    const { channels } = this._info;
    const at = channels * (ijk[0] + I * (ijk[1] + J * ijk[2]));
    return Array.from(this._data.subarray(at, at + channels));
  }

  private get _bytes(): Uint8Array {
    return bytesOf(this._data);
  }

  private _note(k0: number, k1: number): void {
    for (let k = k0; k < k1; k++) {
      this._missing -= 1 - this._arrived[k];
      this._arrived[k] = 1;
    }
  }

  private _info: IVolumeInfo;
  private _grid: IGrid;
  private _data: Voxels;
  /** 1 for each plane along k that is here. */
  private readonly _arrived: Uint8Array;
  private _missing: number;
}

/** The same voxels in the same place, of the same kind. */
function isSameGrid(a: IVolumeInfo, b: IVolumeInfo): boolean {
  const least = Math.min(...b.spacing_mm);
  return (
    a.channels === b.channels &&
    a.shape.every((size, axis) => size === b.shape[axis]) &&
    a.affine.every((row, r) =>
      row.every((x, c) => {
        // A step along an axis is taken as often as the axis is long.
        const steps = c < 3 ? b.shape[c] : 1;
        return Math.abs(x - b.affine[r][c]) * steps <= SAME_PLACE * least;
      })
    )
  );
}

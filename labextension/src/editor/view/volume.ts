import type { IServer } from '../../server/connection';
import {
  decodeFrame,
  emptyVoxels,
  slabVoxels,
  type Voxels
} from '../../server/frames';
import { fetchSlab } from '../../server/requests';
import type { IVolumeInfo, Triple } from '../../server/types';

import { gridOf, type IGrid } from './geometry';

const SLAB_BYTES = 4 * 2 ** 20;
const AT_ONCE = 2;

/** A scan's voxels in the browser; they arrive slab by slab, the middle first. */
export class Volume {
  constructor(readonly info: IVolumeInfo) {
    const [i, j, k] = info.shape;
    this.grid = gridOf(info.shape, info.affine);
    this.data = emptyVoxels(info.dtype, info.channels * i * j * k);
  }

  readonly grid: IGrid;
  /** i fastest, then j, k; three channels (red, green, blue) side by side before i. */
  readonly data: Voxels;
  /** Part that has arrived, 0 to 1. */
  progress = 0;

  /** @param onSlab - called with the planes along k that have just arrived */
  async load(
    server: IServer,
    onSlab: (k0: number, k1: number) => void,
    signal: AbortSignal
  ): Promise<void> {
    const slabs = slabsOf(this.info);
    const total = slabs.length;
    let arrived = 0;
    const worker = async () => {
      for (let slab = slabs.shift(); slab; slab = slabs.shift()) {
        const body = await fetchSlab(server, this.info.id, ...slab, signal);
        const { box, voxels } = slabVoxels(decodeFrame(body));
        const [i, j] = this.info.shape;
        this.data.set(voxels, this.info.channels * i * j * box[4]);
        arrived++;
        this.progress = arrived / total;
        onSlab(box[4], box[5]);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  /** The voxel's intensity, or red, green and blue. */
  valuesAt(ijk: Triple): number[] {
    const [I, J] = this.info.shape;
    const { channels } = this.info;
    const at = channels * (ijk[0] + I * (ijk[1] + J * ijk[2]));
    return Array.from(this.data.subarray(at, at + channels));
  }
}

function slabsOf(info: IVolumeInfo): [number, number][] {
  const depth = info.shape[2];
  const planes = Math.max(
    1,
    Math.floor(SLAB_BYTES / Math.max(1, info.slab_bytes))
  );
  const slabs: [number, number][] = [];
  for (let k = 0; k < depth; k += planes) {
    slabs.push([k, Math.min(depth, k + planes)]);
  }
  const fromMiddle = ([k0, k1]: [number, number]) => Math.abs(k0 + k1 - depth);
  return slabs.sort((a, b) => fromMiddle(a) - fromMiddle(b));
}

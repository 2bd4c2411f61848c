import type { IServer } from '../server/connection';
import { decodeFrame } from '../server/frames';
import { slabVoxels } from '../server/messages';
import type { IVolumeInfo } from '../server/types';
import { fetchSlab } from '../server/volumes';
import { emptyVoxels, type Voxels } from '../server/voxels';

/** Bytes asked for in one request. */
const REQUEST_BYTES = 2 ** 24;

/** Fetches a scan's voxels from the server; hears the share that has arrived, 0..1. */
export async function fetchVoxels(
  server: IServer,
  info: IVolumeInfo,
  progress: (share: number) => void,
  signal?: AbortSignal
): Promise<Voxels> {
  const [I, J, K] = info.shape;
  const plane = I * J * info.channels;
  const voxels = emptyVoxels(info.dtype, plane * K);
  const step = Math.max(
    1,
    Math.floor(REQUEST_BYTES / Math.max(1, info.slab_bytes))
  );
  for (let k = 0; k < K; k += step) {
    const end = Math.min(K, k + step);
    const body = await fetchSlab(server, info.id, k, end, signal);
    voxels.set(slabVoxels(decodeFrame(body)).voxels, k * plane);
    progress(end / K);
  }
  return voxels;
}

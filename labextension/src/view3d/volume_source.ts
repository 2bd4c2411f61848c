import type { IServer } from '../server/connection';
import { fetchSlab, slabsOf } from '../server/slabs';
import type { IVolumeInfo } from '../server/types';
import { bytesOf, emptyVoxels, type Voxels } from '../server/voxels';

/** Fetches a scan's voxels from the server; hears the share that has arrived, 0..1. */
export async function fetchVoxels(
  server: IServer,
  info: IVolumeInfo,
  progress: (share: number) => void,
  signal?: AbortSignal
): Promise<Voxels> {
  const [I, J, K] = info.shape;
  const voxels = emptyVoxels(info.dtype, I * J * info.channels * K);
  const onPlanes = (_: number, end: number) => progress(end / K);
  for (const slab of slabsOf(info)) {
    await fetchSlab(server, info, slab, bytesOf(voxels), onPlanes, signal);
  }
  return voxels;
}

import type { IServer } from '../../server/connection';
import { decodeFrame } from '../../server/frames';
import { slabVoxels } from '../../server/messages';
import type { IVolumeInfo } from '../../server/types';
import { fetchFirstSlice, fetchVolumeInfo } from '../../server/volumes';

import { Volume } from './volume';

/** A scan that can be shown, be it with all its voxels to come or one slice here. */
export interface IOpening {
  volume: Volume;
  /** What is known once the scan is decoded; rejects with a sentence if it cannot be. */
  whole: Promise<IVolumeInfo>;
}

/**
 * Asks for the scan and for its middle slice at once, and resolves with what comes first.
 *
 * A slice that does not come matters to nobody: the scan says why it cannot be read.
 */
export async function openVolume(
  server: IServer,
  scan: string,
  signal: AbortSignal
): Promise<IOpening> {
  const whole = fetchVolumeInfo(server, scan, signal);
  const early = openFirstSlice(server, scan, signal).catch(() => null);
  const first = await Promise.race([
    whole.then(info => new Volume(info)),
    early.then(volume => volume ?? new Promise<never>(() => undefined))
  ]);
  // Whoever awaits it hears of it; the editor may be closed before anybody does.
  whole.catch(() => undefined);
  return { volume: first, whole };
}

async function openFirstSlice(
  server: IServer,
  scan: string,
  signal: AbortSignal
): Promise<Volume | null> {
  const body = await fetchFirstSlice(server, scan, signal);
  if (!body) {
    return null;
  }
  const frame = decodeFrame(body);
  const { box, voxels } = slabVoxels(frame);
  const volume = new Volume(frame.header.info as IVolumeInfo);
  volume.put(box, voxels);
  return volume;
}

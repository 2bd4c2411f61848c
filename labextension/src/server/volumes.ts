import { ask, getJson, name } from './ask';
import type { IServer } from './connection';
import type { IVolumeInfo } from './types';

/** Decodes the scan on the server where that has not been done: may take seconds. */
export function fetchVolumeInfo(
  server: IServer,
  scan: string,
  signal?: AbortSignal
): Promise<IVolumeInfo> {
  return getJson(server, `volumes/${name(scan)}`, signal);
}

/**
 * One slab frame with the middle plane, and `info` of the scan in its header: there long
 * before the scan is decoded.
 *
 * @returns null where the format has no quicker way than to decode all of it
 */
export async function fetchFirstSlice(
  server: IServer,
  scan: string,
  signal?: AbortSignal
): Promise<ArrayBuffer | null> {
  const reply = await ask(server, `volumes/${name(scan)}/first`, { signal });
  return reply.status === 204 ? null : reply.arrayBuffer();
}

import { ask, name } from './ask';
import { type IServer, offline } from './connection';
import { FrameError, frameHead } from './frames';
import type { IVolumeInfo } from './types';

/*
 * A scan's voxels as they come. Each piece of a body goes straight to its place: taken as a
 * whole, 300 MB would be copied twice more, and the browser needs twice the time.
 */

/** Asked for in one request, about: of smaller ones there are more, and each costs a start. */
const SLAB_BYTES = 32 * 2 ** 20;

/** The planes `k0 <= k < k1` of each request that together bring a whole scan, in order. */
export function slabsOf(info: IVolumeInfo): [number, number][] {
  const depth = info.shape[2];
  const planes = Math.max(
    1,
    Math.floor(SLAB_BYTES / Math.max(1, info.slab_bytes))
  );
  const slabs: [number, number][] = [];
  for (let k = 0; k < depth; k += planes) {
    slabs.push([k, Math.min(depth, k + planes)]);
  }
  return slabs;
}

/**
 * Fetches the planes `k0 <= k < k1` of a scan.
 *
 * @param voxels - of the whole scan, i fastest: bytes, little-endian
 * @param onPlanes - hears which planes have just become whole
 */
export async function fetchSlab(
  server: IServer,
  info: IVolumeInfo,
  [k0, k1]: [number, number],
  voxels: Uint8Array,
  onPlanes: (k0: number, k1: number) => void,
  signal?: AbortSignal
): Promise<void> {
  const plane = voxels.length / info.shape[2];
  const slab = voxels.subarray(k0 * plane, k1 * plane);
  const path = `volumes/${name(info.id)}/slab?k0=${k0}&k1=${k1}`;
  const { body } = await ask(server, path, { signal });
  let here = 0;
  let head: Uint8Array | null = new Uint8Array(0);
  for await (const piece of piecesOf(body)) {
    let bytes = piece;
    if (head) {
      head = join(head, piece);
      const found = frameHead(head);
      if (!found) {
        continue;
      }
      checkSlab(found.header, info, k0, k1);
      bytes = head.subarray(found.end);
      head = null;
    }
    if (here + bytes.length > slab.length) {
      throw new FrameError('A slab of a scan is longer than it may be.');
    }
    slab.set(bytes, here);
    const before = Math.floor(here / plane);
    here += bytes.length;
    const after = Math.floor(here / plane);
    if (after > before) {
      onPlanes(k0 + before, k0 + after);
    }
  }
  if (head || here < slab.length) {
    throw new FrameError(
      'A slab of a scan ended in the middle. Open the scan again.'
    );
  }
}

async function* piecesOf(
  body: ReadableStream<Uint8Array> | null
): AsyncGenerator<Uint8Array> {
  const reader = body?.getReader();
  try {
    for (;;) {
      const piece = await reader?.read().catch((error: unknown) => {
        throw offline(error);
      });
      if (!piece?.value) {
        return;
      }
      yield piece.value;
    }
  } finally {
    // Where nobody wants the rest, the server need not send it.
    void reader?.cancel().catch(() => undefined);
  }
}

function checkSlab(
  header: Record<string, unknown>,
  { dtype, channels }: IVolumeInfo,
  k0: number,
  k1: number
): void {
  const box = Array.isArray(header.box) ? header.box : [];
  if (
    header.op !== 'slab' ||
    header.dtype !== dtype ||
    header.channels !== channels ||
    box[4] !== k0 ||
    box[5] !== k1
  ) {
    throw new FrameError(
      'The server sent other voxels than those asked for: the scan was changed ' +
        'meanwhile. Open it again.'
    );
  }
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.length === 0) {
    return b;
  }
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a, 0);
  bytes.set(b, a.length);
  return bytes;
}

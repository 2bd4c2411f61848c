import { describe, expect, it } from 'vitest';

import {
  type IServer,
  ServerError
} from '../../../labextension/src/server/connection';
import {
  encodeFrame,
  FrameError
} from '../../../labextension/src/server/frames';
import { fetchSlab, slabsOf } from '../../../labextension/src/server/slabs';
import type {
  IVolumeInfo,
  Triple
} from '../../../labextension/src/server/types';

const SHAPE: Triple = [3, 4, 9];
const PLANE = 3 * 4 * 2;
const WHOLE = Uint8Array.from({ length: 9 * PLANE }, (_, at) => at % 251);

function infoOf(changes: Partial<IVolumeInfo> = {}): IVolumeInfo {
  const told = { id: 'a', shape: SHAPE, dtype: 'i2', channels: 1 };
  return { ...told, slab_bytes: PLANE, ...changes } as IVolumeInfo;
}

function bodyOf(k0: number, k1: number, changes: object = {}): Uint8Array {
  const header = { op: 'slab', dtype: 'i2', channels: 1 };
  const box = [0, 3, 0, 4, k0, k1];
  const voxels = WHOLE.subarray(k0 * PLANE, k1 * PLANE);
  return encodeFrame({ ...header, box, ...changes }, voxels);
}

/** A server whose body comes in these pieces; what it was asked, and if the rest was. */
class PiecewiseServer implements IServer {
  constructor(
    private readonly _pieces: Iterable<Uint8Array>,
    private readonly _fault?: Error
  ) {}

  readonly labextensions = '';
  readonly asked: string[] = [];
  isLeft = false;

  async request(path: string): Promise<Response> {
    this.asked.push(path);
    const pieces = this._pieces[Symbol.iterator]();
    const body = new ReadableStream<Uint8Array>({
      pull: controller => {
        const { done, value } = pieces.next();
        if (!done) {
          controller.enqueue(value);
        } else if (this._fault) {
          controller.error(this._fault);
        } else {
          controller.close();
        }
      },
      cancel: () => {
        this.isLeft = true;
      }
    });
    return new Response(body);
  }
}

function cut(bytes: Uint8Array, length: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / length);
  return Array.from({ length: count }, (_, at) =>
    bytes.slice(at * length, (at + 1) * length)
  );
}

async function fetched(server: IServer, info = infoOf()) {
  const voxels = new Uint8Array(9 * PLANE);
  const planes: [number, number][] = [];
  const done = await fetchSlab(server, info, [2, 7], voxels, (...of) =>
    planes.push(of)
  ).catch(error => error as Error);
  return { voxels, planes, error: done as Error | undefined };
}

describe('a slab', () => {
  it.each([1, 2, 7, PLANE, 90, 1000])(
    'comes to its place in pieces of %i bytes',
    async length => {
      const server = new PiecewiseServer(cut(bodyOf(2, 7), length));

      const { voxels, planes, error } = await fetched(server);

      expect(error).toBeUndefined();
      expect(voxels.subarray(0, 2 * PLANE).every(x => x === 0)).toBe(true);
      expect(voxels.subarray(7 * PLANE).every(x => x === 0)).toBe(true);
      const [start, end] = [2 * PLANE, 7 * PLANE];
      expect(voxels.slice(start, end)).toEqual(WHOLE.slice(start, end));
      // Each plane is told once, in order, and only when all of it is here.
      expect(
        planes.flatMap(([k0, k1]) =>
          Array.from({ length: k1 - k0 }, (_, at) => k0 + at)
        )
      ).toEqual([2, 3, 4, 5, 6]);
      expect(server.asked).toEqual(['volumes/a/slab?k0=2&k1=7']);
    }
  );

  it('has told no plane that is not whole when it ends early', async () => {
    const body = bodyOf(2, 7);
    const server = new PiecewiseServer(cut(body.slice(0, -PLANE - 1), 10));

    const { planes, error } = await fetched(server);

    expect(error).toBeInstanceOf(FrameError);
    expect(planes.at(-1)?.[1]).toBe(5);
  });

  it.each([
    ['longer than it may be', [bodyOf(2, 7), new Uint8Array(1)]],
    ['of other planes', [bodyOf(3, 8)]],
    ['of another type', [bodyOf(2, 7, { dtype: 'u1' })]],
    ['of colours', [bodyOf(2, 7, { channels: 3 })]],
    ['no slab', [bodyOf(2, 7, { op: 'snapshot' })]],
    ['no frame', [new TextEncoder().encode('<html></html>')]],
    ['empty', []]
  ])('is refused when it is %s', async (_, pieces) => {
    const { error } = await fetched(new PiecewiseServer(pieces));

    expect(error).toBeInstanceOf(FrameError);
  });

  it('is left where it is when it is not the right one', async () => {
    function* endless() {
      yield bodyOf(3, 8);
      for (;;) {
        yield new Uint8Array(10);
      }
    }
    const server = new PiecewiseServer(endless());

    await fetched(server);

    expect(server.isLeft).toBe(true);
  });

  it('says that the server is gone when that happens halfway', async () => {
    const fault = new TypeError('network error');
    const server = new PiecewiseServer([bodyOf(2, 7).slice(0, 120)], fault);

    const { error } = await fetched(server);

    expect(error).toBeInstanceOf(ServerError);
    expect((error as ServerError).isOffline).toBe(true);
  });

  it('stays aborted when it was', async () => {
    const fault = new DOMException('Left.', 'AbortError');
    const server = new PiecewiseServer([bodyOf(2, 7).slice(0, 120)], fault);

    const { error } = await fetched(server);

    expect(error?.name).toBe('AbortError');
  });
});

it.each([
  [512 * 512 * 2, 600],
  [40 * 2 ** 20, 3],
  [0, 2],
  [1, 1]
])('slabs of planes of %i bytes bring all %i once', (slab_bytes, depth) => {
  const slabs = slabsOf(infoOf({ slab_bytes, shape: [1, 1, depth] }));

  const planes = slabs.flatMap(([k0, k1]) =>
    Array.from({ length: k1 - k0 }, (_, at) => k0 + at)
  );
  expect(planes).toEqual(Array.from({ length: depth }, (_, k) => k));
  for (const [k0, k1] of slabs) {
    expect(k1 - k0 === 1 || (k1 - k0) * slab_bytes <= 2 ** 25).toBe(true);
  }
});

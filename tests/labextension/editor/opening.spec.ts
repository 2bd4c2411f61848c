import { describe, expect, it } from 'vitest';

import type { IServer } from '../../../labextension/src/server/connection';
import { encodeFrame } from '../../../labextension/src/server/frames';
import type {
  IVolumeInfo,
  Triple
} from '../../../labextension/src/server/types';
import {
  PLANES,
  rasOf,
  sliceGeometry
} from '../../../labextension/src/editor/view/geometry';
import { openVolume } from '../../../labextension/src/editor/view/opening';
import {
  brightness,
  greyPixel
} from '../../../labextension/src/editor/view/intensity';
import { drawSlice } from '../../../labextension/src/editor/view/raster';
import { Volume } from '../../../labextension/src/editor/view/volume';
import { infoOf } from './memory_server';

const SHAPE: Triple = [3, 4, 5];
const PLANE = Int16Array.from({ length: 12 }, (_, at) => 100 + at);

/** Answers each address when told to. */
class SlowServer implements IServer {
  readonly labextensions = '';

  request(path: string): Promise<Response> {
    return new Promise(resolve => {
      this._waiting.set(path.endsWith('/first') ? 'first' : 'whole', resolve);
    });
  }

  answer(what: 'first' | 'whole', response: Response): Promise<void> {
    this._waiting.get(what)?.(response);
    // Long enough for what waits for it, and for what waits for that.
    return new Promise(resolve => setTimeout(resolve, 1));
  }

  private _waiting = new Map<string, (response: Response) => void>();
}

function whole(info: Partial<IVolumeInfo> = {}): Response {
  return new Response(JSON.stringify(infoOf(SHAPE, info)));
}

function first(info: Partial<IVolumeInfo> = {}): Response {
  const header = {
    ...{ op: 'slab', scan: 'a', box: [0, 3, 0, 4, 2, 3], enc: 'raw' },
    ...{ dtype: 'i2', channels: 1, crc: null, info: infoOf(SHAPE, info) }
  };
  const body = encodeFrame(header, new Uint8Array(PLANE.buffer));
  return new Response(body as Uint8Array<ArrayBuffer>);
}

function refusal(status: number, message: string): Response {
  return new Response(JSON.stringify({ message, code: 'no' }), { status });
}

async function opened(server: SlowServer) {
  const { signal } = new AbortController();
  let found: Awaited<ReturnType<typeof openVolume>> | null = null;
  let error: unknown = null;
  openVolume(server, 'a', signal).then(
    opening => {
      found = opening;
    },
    (why: unknown) => {
      error = why;
    }
  );
  await Promise.resolve();
  return {
    get volume(): Volume | null {
      return (found as { volume: Volume } | null)?.volume ?? null;
    },
    get whole(): Promise<IVolumeInfo> | undefined {
      return (found as { whole: Promise<IVolumeInfo> } | null)?.whole;
    },
    get error(): unknown {
      return error;
    }
  };
}

describe('a scan that opens', () => {
  it('is there with its first slice before it is decoded', async () => {
    const server = new SlowServer();
    const opening = await opened(server);

    await server.answer('first', first({ window: { center: 50, width: 350 } }));

    const volume = opening.volume!;
    expect(volume.info.shape).toEqual(SHAPE);
    expect(volume.info.window).toEqual({ center: 50, width: 350 });
    expect([0, 1, 2, 3, 4].map(k => volume.hasArrived(k))).toEqual([
      ...[false, false, true, false, false]
    ]);
    expect(volume.valuesAt([2, 3, 2])).toEqual([111]);
    expect(volume.isWhole).toBe(false);
    expect(volume.sample).toEqual(PLANE);
  });

  it.each([
    ['cannot be read', refusal(500, 'A fault in medlab.')],
    ['has no quicker way', new Response(null, { status: 204 })],
    ['is no frame', new Response('<html></html>')]
  ])('waits for the whole when its first slice %s', async (_, reply) => {
    const server = new SlowServer();
    const opening = await opened(server);

    await server.answer('first', reply);
    expect(opening.volume).toBeNull();
    await server.answer('whole', whole());

    expect(opening.volume?.info.shape).toEqual(SHAPE);
    expect(opening.volume?.progress).toBe(0);
  });

  it('waits for no first slice when it is decoded already', async () => {
    const server = new SlowServer();
    const opening = await opened(server);

    await server.answer('whole', whole());

    expect(opening.volume?.info.shape).toEqual(SHAPE);
  });

  it('says why it cannot be read, whichever answer comes first', async () => {
    for (const order of [
      ['first', 'whole'],
      ['whole', 'first']
    ] as const) {
      const server = new SlowServer();
      const opening = await opened(server);
      for (const what of order) {
        await server.answer(
          what,
          what === 'whole' ? refusal(422, 'It is cut short.') : first()
        );
      }
      const why =
        opening.error ?? (await opening.whole?.catch(e => e as unknown));
      expect((why as Error).message).toBe('It is cut short.');
    }
  });
});

describe('what one slice told', () => {
  function withSlice(): Volume {
    const volume = new Volume(infoOf(SHAPE));
    volume.put([0, 3, 0, 4, 2, 3], PLANE);
    return volume;
  }

  it('is kept when the scan has a larger type of voxels', () => {
    const volume = withSlice();

    const info = infoOf(SHAPE, { dtype: 'f4', range: [-5, 9000.5] });
    expect(volume.complete(info)).toBe(true);

    expect(volume.data).toBeInstanceOf(Float32Array);
    expect(volume.valuesAt([2, 3, 2])).toEqual([111]);
    expect(volume.hasArrived(2)).toBe(true);
    expect(volume.info.range).toEqual([-5, 9000.5]);
  });

  it('is dropped when the files are another scan by then', () => {
    const moved = infoOf(SHAPE).affine.map(row => [...row]);
    moved[2][3] += 0.5;
    const turned = infoOf(SHAPE).affine.map(row => [...row]);
    turned[0][1] = 0.01;
    for (const other of [
      infoOf([3, 4, 6]),
      infoOf(SHAPE, { channels: 3, dtype: 'u1' }),
      infoOf(SHAPE, { affine: moved }),
      infoOf(SHAPE, { affine: turned })
    ]) {
      const volume = withSlice();
      expect(volume.complete(other)).toBe(false);
      expect(volume.info).toEqual(infoOf(SHAPE));
    }
  });

  it('allows for the last digit of a place', () => {
    const affine = infoOf(SHAPE).affine.map(row => row.map(x => x + 1e-9));
    expect(withSlice().complete(infoOf(SHAPE, { affine }))).toBe(true);
  });

  it('counts a plane that comes twice once', () => {
    const volume = withSlice();
    volume.put([0, 3, 0, 4, 0, 3], new Int16Array(36));
    expect(volume.progress).toBeCloseTo(3 / 5, 12);
    volume.put([0, 3, 0, 4, 3, 5], new Int16Array(24));
    expect(volume.isWhole).toBe(true);
  });

  // K along each of the body's axes, in both directions.
  it.each([
    [0, 1, 2],
    [1, 2, 0],
    [2, 0, 1]
  ])(
    'draws the voxels that are here and no others, axes %i %i %i',
    (...axes) => {
      for (const signs of [1, -1]) {
        const affine = [0, 1, 2, 3].map(row =>
          [0, 1, 2, 3].map(column =>
            row === 3 ? +(column === 3) : axes[column] === row ? signs : 0
          )
        );
        const volume = new Volume(infoOf(SHAPE, { affine }));
        for (const k of [0, 2, 3]) {
          volume.put(
            [0, 3, 0, 4, k, k + 1],
            PLANE.map(value => value + 12 * k)
          );
        }
        const window = { center: 120, width: 60 };
        for (const plane of PLANES) {
          const slice = sliceGeometry(volume.grid, plane);
          for (let index = 0; index < slice.depth; index++) {
            const out = new Uint32Array(slice.width * slice.height).fill(7);
            drawSlice(out, volume, slice, index, null, window);
            // The voxel of each pixel, by the plane's own account of where it lies.
            for (let y = 0; y < slice.height; y++) {
              for (let x = 0; x < slice.width; x++) {
                const ijk: Triple = [0, 0, 0];
                ijk[slice.u] = slice.flipU ? slice.width - 1 - x : x;
                ijk[slice.v] = slice.flipV ? slice.height - 1 - y : y;
                ijk[slice.w] = index;
                const k = signs * rasOf(volume.grid, ijk)[axes[2]];
                const isHere = k === 0 || k === 2 || k === 3;
                const [value] = volume.valuesAt(ijk);
                expect(out[y * slice.width + x]).toBe(
                  isHere ? greyPixel(brightness(value, window)) : 0
                );
              }
            }
          }
        }
      }
    }
  );
});

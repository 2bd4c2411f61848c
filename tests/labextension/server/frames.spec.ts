import { describe, expect, it } from 'vitest';

import {
  crc32,
  decodeFrame,
  encodeFrame,
  FrameError,
  type IFrame,
  joinFrames,
  splitFrames
} from '../../../labextension/src/server/frames';
import {
  decodeDelta,
  decodeSnapshot,
  encodeDelta,
  slabVoxels
} from '../../../labextension/src/server/messages';
import {
  decodeRuns,
  encodeRuns
} from '../../../labextension/src/server/run_lengths';
import type { Box } from '../../../labextension/src/server/voxels';

declare global {
  interface ImportMeta {
    glob(pattern: string, options: object): Record<string, unknown>;
  }
}

// Vite reads these while it builds: each frame as a data address, each description as JSON.
const BINARIES = import.meta.glob('../../contract/frames/*.bin', {
  query: '?url&inline',
  import: 'default',
  eager: true
});
const DESCRIPTIONS = import.meta.glob('../../contract/frames/*.json', {
  import: 'default',
  eager: true
});
const PATHS = Object.keys(BINARIES).filter(path => !path.endsWith('body.bin'));

interface IDescription {
  header: Record<string, unknown>;
  payload_hex: string;
  voxels?: number[][];
}

async function bytesAt(path: string): Promise<Uint8Array> {
  const reply = await fetch(BINARIES[path] as string);
  return new Uint8Array(await reply.arrayBuffer());
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

function voxelsOf(frame: IFrame): number[][] {
  if (frame.header.op === 'slab') {
    return [Array.from(slabVoxels(frame).voxels)];
  }
  if (frame.header.op === 'snapshot') {
    return [Array.from(decodeSnapshot(frame).data)];
  }
  const { box, before, after } = decodeDelta(frame);
  const [i0, i1, j0, j1, k0, k1] = box as Box;
  const size = (i1 - i0) * (j1 - j0) * (k1 - k0);
  return [before, after].map(runs =>
    Array.from(decodeRuns(runs, new Uint16Array(size)))
  );
}

describe('the frames of the contract', () => {
  it('are there', () => {
    expect(PATHS.length).toBeGreaterThan(0);
  });

  it.each(PATHS)('%s is read as Python wrote it', async path => {
    const told = DESCRIPTIONS[path.replace(/bin$/, 'json')] as IDescription;

    const { header, payload } = decodeFrame(await bytesAt(path));

    expect(header).toEqual(told.header);
    expect(hex(payload)).toBe(told.payload_hex);
  });

  it.each(PATHS)('%s holds the voxels that Python wrote', async path => {
    const told = DESCRIPTIONS[path.replace(/bin$/, 'json')] as IDescription;
    const frame = decodeFrame(await bytesAt(path));
    if (told.voxels === undefined) {
      expect(['ack', 'delta', 'slab', 'snapshot']).toContain(frame.header.op);
      return;
    }

    expect(voxelsOf(frame)).toEqual(told.voxels);
  });

  it('body is read as one frame after the other', async () => {
    const path = '../../contract/frames/body.bin';
    const told = DESCRIPTIONS['../../contract/frames/body.json'] as {
      frames: string[];
    };

    const frames = splitFrames(await bytesAt(path));

    const headers = told.frames.map(
      name =>
        (DESCRIPTIONS[`../../contract/frames/${name}.json`] as IDescription)
          .header
    );
    expect(frames.map(frame => frame.header)).toEqual(headers);
  });

  it.each(PATHS)('%s is written as Python wrote it', async path => {
    const { header, payload } = decodeFrame(await bytesAt(path));

    const again = decodeFrame(
      header.op === 'delta'
        ? encodeDelta(decodeDelta({ header, payload }))
        : encodeFrame(header, payload)
    );

    expect(again.header).toEqual(header);
    expect([...again.payload]).toEqual([...payload]);
  });
});

describe('runs', () => {
  it('are maximal, six bytes each, little-endian', () => {
    const runs = encodeRuns(Uint16Array.of(7, 7, 7, 258));

    expect([...runs]).toEqual([3, 0, 0, 0, 7, 0, 1, 0, 0, 0, 2, 1]);
  });

  it('come back as they were', () => {
    const labels = Uint8Array.from(
      { length: 999 },
      (_, at) => ((at * at) % 11) >> 2
    );

    const back = decodeRuns(encodeRuns(labels), new Uint8Array(999));

    expect(back).toEqual(labels);
  });

  it.each([3, 5])('for %i voxels where there are 4 are refused', length => {
    const runs = encodeRuns(new Uint8Array(4));

    expect(() => decodeRuns(runs, new Uint8Array(length))).toThrow(
      `Runs for ${length} voxels did not cover them exactly. Ask again.`
    );
  });
});

describe('a frame', () => {
  it('has the checksum of ISO 3309: its published check value', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });

  it('with a changed byte is refused', () => {
    const payload = Uint8Array.of(1, 2, 3);
    const frame = encodeFrame({ op: 'snapshot', crc: crc32(payload) }, payload);
    frame[frame.length - 1] = 9;

    expect(() => decodeFrame(frame)).toThrow(
      'A snapshot frame did not match its checksum. Ask again.'
    );
  });

  it('that is something else is refused', () => {
    const page = new TextEncoder().encode(
      '<!doctype html><title>Sign in</title>'
    );

    expect(() => decodeFrame(page)).toThrow(FrameError);
  });

  it('travels with others in one body', () => {
    const frames = [1, 2].map(seq =>
      encodeFrame({ op: 'ack', seq }, new Uint8Array(0))
    );

    const seqs = splitFrames(joinFrames(frames)).map(frame => frame.header.seq);

    expect(seqs).toEqual([1, 2]);
  });

  it('cut off in the middle of a body is refused', () => {
    const body = joinFrames([encodeFrame({ op: 'ack' }, new Uint8Array(0))]);

    expect(() => splitFrames(body.subarray(0, body.length - 1))).toThrow(
      'A body of frames ended in the middle. Ask again.'
    );
  });

  it('of a slab is read at any byte offset', () => {
    const voxels = Int16Array.of(-1024, 40, 1500);
    const header = {
      op: 'slab',
      box: [0, 3, 0, 1, 0, 1],
      dtype: 'i2',
      long: 'x'
    };
    const frame = encodeFrame(header, new Uint8Array(voxels.buffer));

    expect(slabVoxels(decodeFrame(frame)).voxels).toEqual(voxels);
  });

  it('of a snapshot holds the whole map', () => {
    const map = Uint8Array.of(0, 0, 1, 1, 1, 2);
    const header = { op: 'snapshot', rev: 3, shape: [3, 2, 1], dtype: 'u1' };
    const frame = encodeFrame({ ...header, segments: [] }, encodeRuns(map));

    const snapshot = decodeSnapshot(decodeFrame(frame));

    expect(snapshot.data).toEqual(map);
    expect(snapshot.rev).toBe(3);
  });
});

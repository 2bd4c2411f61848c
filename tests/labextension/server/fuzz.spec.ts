import { describe, expect, it } from 'vitest';

import { decodeFrame } from '../../../labextension/src/server/frames';
import {
  decodeDelta,
  encodeDelta
} from '../../../labextension/src/server/messages';
import fuzz from '../../contract/fuzz.json';
import { randomEdits } from './random_edits';

/*
 * `tests/contract/fuzz.json` was written by an encoder that knows the contract alone, and
 * Python's half is judged by the same sums.
 */

const { process } = globalThis as {
  process?: { env: Record<string, string | undefined> };
};
const ALL = fuzz.sha256.length;
const BLOCKS = process?.env.MEDLAB_LONG ? ALL : 20;

describe('frames of random edits', () => {
  it('begin with the bytes of the contract', () => {
    const frames = [...randomEdits(0, fuzz.first_frames_hex.length)].map(edit =>
      hex(encodeDelta(edit))
    );

    expect(frames).toEqual(fuzz.first_frames_hex);
  });

  it(`have the contract's bytes: ${BLOCKS} of ${ALL} blocks of 1,000`, async () => {
    for (let block = 0; block < BLOCKS; block++) {
      const frames = [...randomEdits(block, fuzz.block)].map(encodeDelta);

      const sum = await crypto.subtle.digest(
        'SHA-256',
        await new Blob(frames).arrayBuffer()
      );

      expect(hex(new Uint8Array(sum)), `block ${block}`).toBe(
        fuzz.sha256[block]
      );
    }
  }, 600_000);

  it('are the same bytes once they were read', () => {
    for (const edit of randomEdits(ALL - 1, fuzz.block)) {
      const frame = encodeDelta(edit);

      const again = encodeDelta(decodeDelta(decodeFrame(frame)));

      expect(hex(again)).toBe(hex(frame));
    }
  });

  it('are refused after one byte was flipped', () => {
    let refused = 0;
    let count = 0;
    let at = 7;
    for (const edit of randomEdits(1, fuzz.block)) {
      const frame = encodeDelta(edit);
      const { payload } = decodeFrame(frame);
      if (payload.length > 0) {
        at = (at * 31 + 17) % payload.length;
        frame[frame.length - payload.length + at] ^= 1 << (at % 8);
        count++;
        refused += isRefused(frame) ? 1 : 0;
      }
    }

    expect(count).toBeGreaterThan(300);
    expect(refused).toBe(count);
  });
});

function isRefused(frame: Uint8Array): boolean {
  try {
    decodeFrame(frame);
    return false;
  } catch {
    return true;
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');
}

import { FrameError } from './frames';
import type { Labels } from './voxels';

/* Labels as runs of (u32 count, u16 value): what the payload of most frames is. */

/** Maximal runs of (u32 count, u16 value). */
export function encodeRuns(values: Labels): Uint8Array<ArrayBuffer> {
  const runs = new RunWriter();
  runs.add(values, wordsOf(values), 0, values.length);
  return runs.finish();
}

/** Codes labels that come in pieces. */
export class RunWriter {
  /**
   * Appends `values[from]` up to `values[to]`, the last not included.
   *
   * @param words - the same memory, to look at four bytes at once; see `wordsOf`
   */
  add(
    values: Labels,
    words: Uint32Array | null,
    from: number,
    to: number
  ): void {
    const lanes = 4 / values.BYTES_PER_ELEMENT;
    let start = from;
    let at = from;
    while (at < to) {
      const value = values[at];
      if (value !== this._value) {
        this._count += at - start;
        this._put();
        this._value = value;
        start = at;
      }
      at++;
      if (words) {
        while (at % lanes !== 0 && at < to && values[at] === value) {
          at++;
        }
        if (at % lanes === 0) {
          const same =
            (lanes === 4 ? value * 0x01010101 : value * 0x00010001) >>> 0;
          while (at + lanes <= to && words[at / lanes] === same) {
            at += lanes;
          }
        }
      }
      while (at < to && values[at] === value) {
        at++;
      }
    }
    this._count += at - start;
  }

  finish(): Uint8Array<ArrayBuffer> {
    this._put();
    return new Uint8Array(this._out.buffer.slice(0, 2 * this._length));
  }

  private _put(): void {
    if (this._count === 0) {
      return;
    }
    if (this._length + 3 > this._out.length) {
      const grown = new Uint16Array(2 * this._out.length);
      grown.set(this._out);
      this._out = grown;
    }
    this._out[this._length++] = this._count & 0xffff;
    this._out[this._length++] = this._count >>> 16;
    this._out[this._length++] = this._value;
    this._count = 0;
  }

  // As little-endian as every machine a browser runs on.
  private _out = new Uint16Array(3 * 1024);
  private _length = 0;
  private _count = 0;
  private _value = -1;
}

/** The memory in words of four bytes; null when it does not begin at one. */
export function wordsOf(values: Labels): Uint32Array | null {
  return values.byteOffset % 4 === 0
    ? new Uint32Array(values.buffer, values.byteOffset, values.byteLength >> 2)
    : null;
}

/** Fills `into` with the runs, which must cover it exactly. */
export function decodeRuns<T extends Labels>(bytes: Uint8Array, into: T): T {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (let run = 0; run + 6 <= bytes.length; run += 6) {
    const end = at + view.getUint32(run, true);
    if (end > into.length) {
      break;
    }
    into.fill(view.getUint16(run + 4, true), at, end);
    at = end;
  }
  if (at !== into.length || bytes.length % 6 !== 0) {
    throw new FrameError(
      `Runs for ${into.length} voxels did not cover them exactly. Ask again.`
    );
  }
  return into;
}

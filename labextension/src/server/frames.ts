import type { IMark, ISegment, Triple } from './types';
import { fullMark, fullSegment } from './wire';

/*
 * The binary frame of REST bodies and comm buffers:
 * "MLD1", u32 header length, JSON header, payload; little-endian, i fastest, then j, k.
 * Several frames in one body are each preceded by their u32 byte length.
 */

/** Half-open box of voxels: i0, i1, j0, j1, k0, k1. */
export type Box = [number, number, number, number, number, number];

/** One integer a voxel. */
export type Labels = Uint8Array | Uint16Array;

/** Intensities as the server stores them. */
export type Voxels =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Float32Array;

/** One edit of a layer: runs of labels before and after, over a box. */
export interface IDelta {
  scan: string;
  layer: string;
  /** Revision the server gave it; null until then. */
  rev: number | null;
  /** Revision it builds on. */
  base: number;
  session: string;
  seq: number;
  tool: string;
  seg: number;
  /** null for an edit of the segment list. */
  box: Box | null;
  before: Uint8Array;
  after: Uint8Array;
  segments?: IChange<ISegment>;
  /** Only the marks that the edit adds, changes or removes. */
  marks?: IChange<IMark>;
  /** Who draws, over all their pages: 8 hexadecimal digits. */
  by?: string;
  /** `seq` of the first edit of the step of the history that this one belongs to. */
  step?: number;
  /** The edit takes that step back, or does it again. */
  turn?: Turn;
}

export interface IChange<T> {
  before: T[];
  after: T[];
}

/** What is done with which step: its session, and the `seq` of its first edit. */
export type Turn = ['undo' | 'redo', string, number];

export interface IAck {
  layer: string;
  rev: number;
  session: string;
  seq: number;
  state: string;
}

export interface IFrame {
  header: Record<string, unknown> & { op: string };
  payload: Uint8Array;
}

/** Bytes that are not the frame they should be. */
export class FrameError extends Error {}

const MAGIC = 0x31444c4d; // "MLD1", read as a little-endian number

export function encodeFrame(
  header: Record<string, unknown>,
  payload: Uint8Array
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, text.length, true);
  bytes.set(text, 8);
  bytes.set(payload, 8 + text.length);
  return bytes;
}

export function decodeFrame(body: ArrayBuffer | Uint8Array): IFrame {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(body);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 8 || view.getUint32(0, true) !== MAGIC) {
    throw new FrameError(
      'A frame starts with "MLD1", these bytes do not. Reload the page.'
    );
  }
  const end = 8 + view.getUint32(4, true);
  if (end > bytes.length) {
    throw new FrameError(
      `A frame with a header of ${end - 8} bytes got ${bytes.length - 8}. Ask again.`
    );
  }
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end)));
  const payload = bytes.subarray(end);
  const crc: unknown = header.crc;
  if (typeof crc === 'number' && crc !== crc32(payload)) {
    throw new FrameError(
      `A ${header.op} frame did not match its checksum. Ask again.`
    );
  }
  return { header, payload };
}

/** Puts each frame's length before it. */
export function joinFrames(
  frames: readonly Uint8Array[]
): Uint8Array<ArrayBuffer> {
  const total = frames.reduce((sum, frame) => sum + 4 + frame.length, 0);
  const bytes = new Uint8Array(total);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const frame of frames) {
    view.setUint32(at, frame.length, true);
    bytes.set(frame, at + 4);
    at += 4 + frame.length;
  }
  return bytes;
}

export function splitFrames(body: ArrayBuffer | Uint8Array): IFrame[] {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(body);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: IFrame[] = [];
  let at = 0;
  while (at < bytes.length) {
    const end =
      at + 4 <= bytes.length ? at + 4 + view.getUint32(at, true) : NaN;
    if (!(end <= bytes.length)) {
      throw new FrameError('A body of frames ended in the middle. Ask again.');
    }
    frames.push(decodeFrame(bytes.subarray(at + 4, end)));
    at = end;
  }
  return frames;
}

export function encodeDelta(delta: IDelta): Uint8Array<ArrayBuffer> {
  const payload = new Uint8Array(delta.before.length + delta.after.length);
  payload.set(delta.before, 0);
  payload.set(delta.after, delta.before.length);
  const { scan, layer, rev, base, session, seq, tool, seg, box } = delta;
  const header: Record<string, unknown> = {
    ...{ op: 'delta', scan, layer, rev, base, session, seq, tool, seg, box },
    enc: 'rle',
    lengths: [delta.before.length, delta.after.length],
    crc: crc32(payload)
  };
  for (const key of ['segments', 'marks', 'by', 'step', 'turn'] as const) {
    if (delta[key] !== undefined) {
      header[key] = delta[key];
    }
  }
  return encodeFrame(header, payload);
}

export function decodeDelta(frame: IFrame): IDelta {
  const { header, payload } = frame;
  if (header.op !== 'delta') {
    throw new FrameError(`Expected a delta frame, got ${header.op}.`);
  }
  const [first, second] = (header.lengths as [number, number]) ?? [0, 0];
  if (first + second !== payload.length) {
    throw new FrameError(
      `A delta's lengths must add up to its ${payload.length} bytes. Ask again.`
    );
  }
  return {
    ...(header as unknown as IDelta),
    box: (header.box as Box | null) ?? null,
    before: payload.slice(0, first),
    after: payload.slice(first)
  };
}

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

/** A slab's voxels, copied so that they are aligned. */
export function slabVoxels(frame: IFrame): { box: Box; voxels: Voxels } {
  if (frame.header.op !== 'slab') {
    throw new FrameError(`Expected a slab frame, got ${frame.header.op}.`);
  }
  const bytes = frame.payload.slice();
  return {
    box: frame.header.box as Box,
    voxels: new ARRAYS[frame.header.dtype as VoxelType](bytes.buffer)
  };
}

export type VoxelType = 'i1' | 'u1' | 'i2' | 'u2' | 'f4';

const ARRAYS = {
  i1: Int8Array,
  u1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  f4: Float32Array
};

export function emptyVoxels(dtype: VoxelType, length: number): Voxels {
  return new ARRAYS[dtype](length);
}

export interface ISnapshot {
  rev: number;
  layer: string;
  shape: Triple;
  segments: ISegment[];
  marks: IMark[];
  data: Labels;
}

export function decodeSnapshot(frame: IFrame): ISnapshot {
  const { header, payload } = frame;
  if (header.op !== 'snapshot') {
    throw new FrameError(`Expected a snapshot frame, got ${header.op}.`);
  }
  const shape = header.shape as Triple;
  const size = shape[0] * shape[1] * shape[2];
  const data =
    header.dtype === 'u2' ? new Uint16Array(size) : new Uint8Array(size);
  return {
    rev: header.rev as number,
    layer: String(header.layer ?? ''),
    shape,
    segments: (header.segments as ISegment[]).map(fullSegment),
    marks: ((header.marks as IMark[] | undefined) ?? []).map(fullMark),
    data: decodeRuns(payload, data)
  };
}

/** What a smart tool would change, before anybody accepted it. */
export interface IPreview {
  tool: string;
  /** Revision of the layer that it was made from. */
  rev: number;
  /** null when there is nothing to change. */
  box: Box | null;
  /** Over the box, i fastest; `KEEP` leaves a voxel as it is. */
  labels: Uint16Array;
  /** Ids of the segments that it proposes voxels for. */
  segments: number[];
  /** Segments that the list does not have yet. */
  newSegments: ISegment[];
  message: string;
}

export const KEEP = 65535;

export function decodePreview(frame: IFrame): IPreview {
  const { header, payload } = frame;
  if (header.op !== 'preview') {
    throw new FrameError(`Expected a preview frame, got ${header.op}.`);
  }
  const box = (header.box as Box | null) ?? null;
  const size = box
    ? (box[1] - box[0]) * (box[3] - box[2]) * (box[5] - box[4])
    : 0;
  return {
    tool: String(header.tool ?? ''),
    rev: Number(header.rev ?? 0),
    box,
    labels: decodeRuns(payload, new Uint16Array(size)),
    segments: (header.segments as number[] | undefined) ?? [],
    newSegments: ((header.new_segments as ISegment[] | undefined) ?? []).map(
      fullSegment
    ),
    message: String(header.message ?? '')
  };
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  }
  return value;
});
// What the same byte does when one, two or three more follow in its word.
const CRC_TABLE_1 = CRC_TABLE.map(nextCrc);
const CRC_TABLE_2 = CRC_TABLE_1.map(nextCrc);
const CRC_TABLE_3 = CRC_TABLE_2.map(nextCrc);

function nextCrc(crc: number): number {
  return CRC_TABLE[crc & 0xff] ^ (crc >>> 8);
}

/** CRC-32 of ISO 3309, as zlib computes it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) {
    crc ^=
      bytes[at] |
      (bytes[at + 1] << 8) |
      (bytes[at + 2] << 16) |
      (bytes[at + 3] << 24);
    crc =
      CRC_TABLE_3[crc & 0xff] ^
      CRC_TABLE_2[(crc >>> 8) & 0xff] ^
      CRC_TABLE_1[(crc >>> 16) & 0xff] ^
      CRC_TABLE[crc >>> 24];
  }
  for (; at < bytes.length; at++) {
    crc = CRC_TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

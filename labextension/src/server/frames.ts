/*
 * The binary frame of REST bodies and comm buffers:
 * "MLD1", u32 header length, JSON header, payload; little-endian, i fastest, then j, k.
 * Several frames in one body are each preceded by their u32 byte length.
 */

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

/** A frame's header and where its payload begins; null where more bytes must come first. */
export function frameHead(
  bytes: Uint8Array
): { header: IFrame['header']; end: number } | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 4 && view.getUint32(0, true) !== MAGIC) {
    throw new FrameError(
      'A frame starts with "MLD1", these bytes do not. Reload the page.'
    );
  }
  const end = bytes.length < 8 ? Infinity : 8 + view.getUint32(4, true);
  return end > bytes.length
    ? null
    : {
        header: JSON.parse(new TextDecoder().decode(bytes.subarray(8, end))),
        end
      };
}

export function decodeFrame(body: ArrayBuffer | Uint8Array): IFrame {
  const bytes = body instanceof Uint8Array ? body : new Uint8Array(body);
  const head = frameHead(bytes);
  if (!head) {
    throw new FrameError(
      `A frame of ${bytes.length} bytes is too short for its header. Ask again.`
    );
  }
  const { header, end } = head;
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

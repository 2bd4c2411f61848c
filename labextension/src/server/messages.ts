import { crc32, encodeFrame, FrameError, type IFrame } from './frames';
import { decodeRuns } from './run_lengths';
import type { IMark, ISegment, Triple } from './types';
import {
  type Box,
  type Labels,
  type Voxels,
  type VoxelType,
  voxelsIn
} from './voxels';
import { fullMark, fullSegment } from './wire';

/* What frames say: edits, slabs of a scan, snapshots of a layer, previews of a tool. */

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

/** A slab's voxels, copied so that they are aligned. */
export function slabVoxels(frame: IFrame): { box: Box; voxels: Voxels } {
  if (frame.header.op !== 'slab') {
    throw new FrameError(`Expected a slab frame, got ${frame.header.op}.`);
  }
  const bytes = frame.payload.slice();
  return {
    box: frame.header.box as Box,
    voxels: voxelsIn(bytes.buffer, frame.header.dtype as VoxelType)
  };
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

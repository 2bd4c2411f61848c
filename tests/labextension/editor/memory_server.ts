import type { IServer } from '../../../labextension/src/server/connection';
import {
  encodeFrame,
  joinFrames,
  splitFrames
} from '../../../labextension/src/server/frames';
import {
  decodeDelta,
  encodeDelta,
  type IDelta
} from '../../../labextension/src/server/messages';
import { encodeRuns } from '../../../labextension/src/server/run_lengths';
import type { Voxels } from '../../../labextension/src/server/voxels';
import type {
  ILayerFile,
  ISegment,
  IVolumeInfo,
  Triple
} from '../../../labextension/src/server/types';
import {
  applyEdit,
  eachChange
} from '../../../labextension/src/editor/labels/delta';
import { fullSegment } from '../../../labextension/src/server/wire';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';

/** A server in memory that holds one scan and one layer, with the real one's rules. */
export class MemoryServer implements IServer {
  constructor(
    readonly info: IVolumeInfo,
    readonly voxels: Voxels
  ) {
    this.map = new LabelMap(info.shape);
  }

  readonly labextensions = '';
  readonly map: LabelMap;
  readonly journal: IDelta[] = [];
  /** Answers nothing, as if it were down. */
  isDown = false;
  /** The layer cannot be read, until it is recovered. */
  isDamaged = false;
  /** Journals the next edits but loses its answer. */
  losesAnswer = false;
  readonly asked: string[] = [];
  /** What the layer's file is said to be; null: the server writes no files. */
  file: ILayerFile | null = null;

  /** Another writer's edit, on top of everything. */
  write(delta: Omit<IDelta, 'rev' | 'base'>): void {
    const rev = this.journal.length + 1;
    const written = { ...delta, rev, base: rev - 1 };
    applyEdit(this.map, written);
    this.journal.push(written);
  }

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    this.asked.push(`${init.method ?? 'GET'} ${path}`);
    await Promise.resolve();
    if (this.isDown) {
      return json({ message: 'The server is being restarted.' }, 503);
    }
    const [url, query] = path.split('?');
    const parameters = new URLSearchParams(query);
    if (url.endsWith('/slab')) {
      const k0 = Number(parameters.get('k0'));
      return this._slab(k0, Number(parameters.get('k1')));
    }
    if (url.startsWith('volumes/')) {
      return json(this.info);
    }
    if (url.endsWith('/recover')) {
      this.isDamaged = false;
    } else if (this.isDamaged) {
      return json({ message: 'Damaged.', code: 'journal-damaged' }, 422);
    }
    if (url.endsWith('/snapshot')) {
      return this._snapshot();
    }
    if (url.endsWith('/ops')) {
      return init.method === 'POST'
        ? this._post(init.body as Uint8Array)
        : bytes(this._since(Number(parameters.get('from'))));
    }
    if (url.endsWith('/history')) {
      const by = parameters.get('by');
      const ours = this.journal.filter(delta => delta.by === by);
      return bytes(joinFrames(ours.map(encodeDelta)));
    }
    if (url.endsWith('/file')) {
      return this.file ? json(this.file) : json({ message: 'No.' }, 404);
    }
    if (init.method === 'POST' && this.map.segments.length === 0) {
      const { segments } = JSON.parse(init.body as string);
      this.map.segments = (segments as ISegment[]).map(fullSegment);
    }
    return json({
      ...{ scan: this.info.id, layer: 'labels', rev: this.journal.length },
      ...{ shape: this.info.shape, dtype: 'u1', affine: this.info.affine },
      segments: this.map.segments,
      marks: [...this.map.marks.values()]
    });
  }

  private _slab(k0: number, k1: number): Response {
    const [I, J] = this.info.shape;
    const plane = I * J * this.info.channels;
    const part = this.voxels.slice(k0 * plane, k1 * plane);
    const header = {
      ...{
        op: 'slab',
        scan: this.info.id,
        box: [0, I, 0, J, k0, k1],
        crc: null
      },
      ...{ dtype: this.info.dtype, channels: this.info.channels, enc: 'raw' }
    };
    return bytes(encodeFrame(header, new Uint8Array(part.buffer)));
  }

  private _snapshot(): Response {
    const header = {
      ...{ op: 'snapshot', scan: this.info.id, layer: 'labels', enc: 'rle' },
      ...{ rev: this.journal.length, shape: this.info.shape, dtype: 'u1' },
      ...{ segments: this.map.segments, marks: [...this.map.marks.values()] },
      crc: null
    };
    return bytes(encodeFrame(header, encodeRuns(this.map.data)));
  }

  private _since(rev: number): Uint8Array<ArrayBuffer> {
    return joinFrames(this.journal.slice(rev).map(encodeDelta));
  }

  private _post(body: Uint8Array): Response {
    const acks: Uint8Array[] = [];
    for (const frame of splitFrames(body)) {
      const delta = decodeDelta(frame);
      const known = this.journal.find(
        old => old.session === delta.session && old.seq === delta.seq
      );
      if (!known && delta.base !== this.journal.length) {
        return acks.length > 0
          ? bytes(joinFrames(acks))
          : bytes(this._since(delta.base), 409);
      }
      if (!known && this._isLocked(delta)) {
        return acks.length > 0
          ? bytes(joinFrames(acks))
          : json({ message: 'It is locked.', code: 'locked' }, 422);
      }
      if (!known) {
        this.write(delta);
      }
      const { session, seq } = delta;
      const rev = known?.rev ?? this.journal.length;
      const ack = {
        op: 'ack',
        layer: 'labels',
        rev,
        session,
        seq,
        state: 'on-disk'
      };
      acks.push(encodeFrame(ack, new Uint8Array(0)));
    }
    return this._answer(acks);
  }

  /** Changes a voxel that belongs to a locked segment, or gives it to one. */
  private _isLocked(delta: IDelta): boolean {
    const locked = this.map.segments
      .filter(segment => segment.locked)
      .map(({ id }) => id);
    let isHit = false;
    if (delta.box) {
      eachChange(delta, (_from, _to, before, after) => {
        isHit ||= locked.includes(before) || locked.includes(after);
      });
    }
    return isHit;
  }

  private _answer(acks: Uint8Array[]): Response {
    if (this.losesAnswer) {
      this.losesAnswer = false;
      return json({ message: 'Lost.' }, 502);
    }
    return bytes(joinFrames(acks));
  }
}

/** A volume's header for voxels along R, A, S with these spacings. */
export function infoOf(
  shape: Triple,
  fields: Partial<IVolumeInfo> = {}
): IVolumeInfo {
  const spacing_mm: Triple = fields.spacing_mm ?? [1, 1, 1];
  const [x, y, z] = spacing_mm;
  return {
    ...{ id: '0123456789abcdef', shape, spacing_mm, orientation: 'RAS' },
    spacing_unit: 'mm',
    affine: [
      [x, 0, 0, 0],
      [0, y, 0, 0],
      [0, 0, z, 0],
      [0, 0, 0, 1]
    ],
    ...{
      modality: 'CT',
      unit: 'HU',
      dtype: 'i2',
      channels: 1,
      name: 'phantom'
    },
    ...{
      warnings: [],
      window: { center: 40, width: 400 },
      range: [-1024, 1500]
    },
    slab_bytes: 2 * shape[0] * shape[1],
    ...fields
  };
}

function json(reply: unknown, status = 200): Response {
  return new Response(JSON.stringify(reply), { status });
}

function bytes(body: Uint8Array<ArrayBuffer>, status = 200): Response {
  return new Response(body, { status });
}

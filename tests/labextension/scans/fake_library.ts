import type { IServer } from '../../../labextension/src/server/connection';
import type {
  IScan,
  IScanGroup,
  IScanQuery
} from '../../../labextension/src/server/types';
import listing from '../../contract/scans-search.json';

export const EXAMPLE = listing.scans[1] as IScan;

type Body = Partial<IScanQuery> & {
  offset: number;
  limit: number;
  private: boolean;
  by?: 'patient' | 'study';
  cmd?: string;
};

/** What was asked, and the way to answer it late, or not at all. */
export interface IAsked {
  path: string;
  body: Body;
  signal: AbortSignal | null | undefined;
}

/** A server whose scans are made as they are asked for: scan `n` belongs to patient `n / 4`. */
export class FakeLibrary implements IServer {
  constructor(public size: number) {}

  readonly labextensions = '';
  readonly asked: IAsked[] = [];
  revision = 1;
  indexing = {
    state: 'idle',
    done: 0,
    total: null as number | null,
    found: 0,
    error: null as string | null,
    read_only: false
  };
  /** Waits before each answer. */
  gate: (asked: IAsked) => Promise<void> = () => Promise.resolve();

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const text = typeof init.body === 'string' ? init.body : '{}';
    const asked = { path, body: JSON.parse(text) as Body, signal: init.signal };
    this.asked.push(asked);
    await this.gate(asked);
    if (init.signal?.aborted) {
      throw new DOMException('aborted', 'AbortError');
    }
    return new Response(JSON.stringify(this._answer(asked)));
  }

  scan(n: number, names = false): IScan {
    const patient = Math.floor(n / 4);
    return {
      ...EXAMPLE,
      id: n.toString(16).padStart(16, '0'),
      name: `scan ${n}`,
      path: `scans/${n}.nii`,
      patient: names ? `Doe ${patient}` : '',
      patient_id: names ? String(patient) : '',
      patient_key: `p${patient}`,
      study_key: `s${Math.floor(n / 2)}`
    };
  }

  private _answer({ path, body }: IAsked): unknown {
    if (path === 'scans/index') {
      if (body.cmd === 'cancel') {
        this.indexing.state = 'cancelled';
      }
      return this.indexing;
    }
    const all = Array.from({ length: this.size }, (_, n) => n).filter(
      n =>
        (!body.words || `scan ${n}`.includes(body.words)) &&
        (!body.patient || `p${Math.floor(n / 4)}` === body.patient) &&
        (!body.study || `s${Math.floor(n / 2)}` === body.study)
    );
    const cut = <T>(rows: T[]) =>
      rows.slice(body.offset, body.offset + body.limit);
    if (path === 'scans/search') {
      return {
        scans: cut(all).map(n => this.scan(n, body.private)),
        total: all.length,
        all: this.size,
        revision: this.revision,
        indexing: this.indexing
      };
    }
    const size = body.by === 'patient' ? 4 : 2;
    const letter = body.by === 'patient' ? 'p' : 's';
    const sizes = new Map<number, number>();
    for (const n of all) {
      const key = Math.floor(n / size);
      sizes.set(key, (sizes.get(key) ?? 0) + 1);
    }
    const groups: IScanGroup[] = cut([...sizes]).map(([key, scans]) => ({
      key: `${letter}${key}`,
      label: `${body.by} ${key}`,
      detail: '',
      scans,
      date: '2024-01-31',
      modalities: ['CT']
    }));
    return { groups, total: sizes.size };
  }
}

/** Lets what was promised come about, timers of this many ms included. */
export function soon(ms = 60): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

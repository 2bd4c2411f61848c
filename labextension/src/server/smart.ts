import { ask, name, post } from './ask';
import type { IServer } from './connection';
import { decodeFrame } from './frames';
import { decodePreview, type IPreview } from './messages';
import type { ISmartJob } from './types';

/** What a smart tool answers: a preview, a job that is still at work, or a table. */
export type SmartReply =
  | { kind: 'preview'; preview: IPreview }
  | ({ kind: 'job' } & ISmartJob)
  | { kind: 'answer'; answer: Record<string, unknown> };

export interface ISmartRequest {
  scan: string;
  layer: string;
  /** The server must hold this revision, or a newer one. */
  rev: number;
  params: Record<string, unknown>;
}

export async function postSmart(
  server: IServer,
  tool: string,
  body: ISmartRequest,
  signal?: AbortSignal
): Promise<SmartReply> {
  return smartReply(await post(server, `smart/${name(tool)}`, body, signal));
}

/** @param wait_s - the server holds its reply back up to this long until it is done */
export async function pollSmart(
  server: IServer,
  job: string,
  wait_s: number,
  signal?: AbortSignal
): Promise<SmartReply> {
  return smartReply(
    await ask(server, `smart/jobs/${name(job)}?wait_s=${wait_s}`, { signal })
  );
}

export async function cancelSmart(server: IServer, job: string): Promise<void> {
  await ask(server, `smart/jobs/${name(job)}`, { method: 'DELETE' });
}

async function smartReply(response: Response): Promise<SmartReply> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  // By its first bytes: what comes over a widget's messages has no headers.
  if (bytes[0] === 0x4d) {
    return { kind: 'preview', preview: decodePreview(decodeFrame(bytes)) };
  }
  const answer = JSON.parse(new TextDecoder().decode(bytes)) as Record<
    string,
    unknown
  >;
  if (response.status === 202) {
    const { job, progress, message } = answer;
    return {
      kind: 'job',
      job: String(job),
      progress: typeof progress === 'number' ? progress : null,
      message: String(message ?? '')
    };
  }
  return { kind: 'answer', answer };
}

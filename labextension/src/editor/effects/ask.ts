import { isAbort, ServerError } from '../../server/connection';
import type { IPreview } from '../../server/messages';
import { cancelSmart, pollSmart, postSmart } from '../../server/smart';

import type { IEditorContext } from '../context';

/** Seconds the server may hold back its answer about a job. */
const WAIT_S = 2;

type Place = Pick<IEditorContext, 'server' | 'scanId' | 'session' | 'trans'>;

/** How far a tool that takes longer has come; `progress` from 0 to 1, null if unknown. */
export type OnProgress = (progress: number | null, message: string) => void;

/**
 * Asks the server what a tool would do to the labels as they are now.
 *
 * Waits until the server has every edit of this page. Aborting the signal ends the tool on
 * the server too.
 *
 * @throws ServerError with a sentence for the reader; `AbortError` once aborted
 */
export async function askTool(
  place: Place,
  tool: string,
  params: Record<string, unknown>,
  signal: AbortSignal,
  onProgress: OnProgress
): Promise<IPreview> {
  const { server, scanId: scan, session } = place;
  const rev = await unlessAborted(session.settled(), signal);
  let job = '';
  try {
    const body = { scan, layer: session.layer, rev, params };
    let reply = await postSmart(server, tool, body, signal);
    while (reply.kind === 'job') {
      job = reply.job;
      onProgress(reply.progress, reply.message);
      reply = await pollSmart(server, job, WAIT_S, signal);
    }
    if (reply.kind !== 'preview') {
      throw new ServerError(
        200,
        'no-preview',
        place.trans('The server answered without a preview. Reload the page.')
      );
    }
    return reply.preview;
  } catch (error) {
    if (job && isAbort(error)) {
      // Nobody waits for it: what it answers, or that it does not, means nothing.
      cancelSmart(server, job).catch(() => undefined);
    }
    throw withoutServer(place, error);
  }
}

function unlessAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal
): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), {
      once: true
    });
    promise.then(resolve, reject);
  });
}

/** Where nobody knows the address, the tools are not there: says so. */
function withoutServer({ trans }: Place, error: unknown): unknown {
  const isUnknown =
    error instanceof ServerError &&
    error.code.startsWith('http-') &&
    (error.status === 404 || error.status === 405 || error.status === 501);
  return isUnknown
    ? new ServerError(
        error.status,
        'no-tools',
        trans(
          'This tool runs in the medlab server extension, which does not answer here.'
        )
      )
    : error;
}

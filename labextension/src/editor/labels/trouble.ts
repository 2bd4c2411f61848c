import { ServerError } from '../../server/connection';

/**
 * Why edits do not get where they should.
 *
 * `offline`: no answer yet; they wait in the browser. `login`: the server does not know who
 * asks any more. `disk`: the server's disk is full, read-only or broken. `refused`: the
 * server does not take them. `damaged`: the layer's files on the server are.
 * `browser`: the browser keeps nothing for a page that is closed.
 */
export type TroubleKind =
  'offline' | 'login' | 'disk' | 'refused' | 'damaged' | 'browser';

export interface ITrouble {
  kind: TroubleKind;
  /** One sentence, of the server where there is one. */
  message: string;
  /** For `damaged`: the newest revision that is whole. */
  lastGoodRev: number | null;
}

export function troubleOf(error: unknown): ITrouble {
  const message =
    error instanceof Error ? error.message : 'The server did not answer.';
  const lastGoodRev = error instanceof ServerError ? error.lastGoodRev : null;
  return { kind: kindOf(error), message, lastGoodRev };
}

function kindOf(error: unknown): TroubleKind {
  if (!(error instanceof ServerError)) {
    return 'refused';
  }
  if (error.code === 'journal-damaged') {
    return 'damaged';
  }
  if (error.needsLogin) {
    return 'login';
  }
  if (error.status === 507) {
    return 'disk';
  }
  // 429: it has enough to do, and takes the same edits a little later.
  const isAway = [429, 502, 503, 504].includes(error.status);
  return error.isOffline || isAway ? 'offline' : 'refused';
}

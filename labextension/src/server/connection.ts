/** A way to ask the medlab server extension, whoever carries the request. */
export interface IServer {
  /**
   * Sends one request.
   *
   * @param path - below `medlab/`, for example `scans?refresh=1`
   * @returns the reply, also when its status is an error
   * @throws ServerError with status 0 and code `offline` when there is no reply,
   *   and the browser's `AbortError` when `init.signal` was aborted
   */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** Where prebuilt extensions are served, without a slash at the end. */
  readonly labextensions: string;
  /** A page of the server that asks who does not have a login for one. */
  readonly loginUrl?: string;
}

/** A request that got no reply, or a reply that says what went wrong. */
export class ServerError extends Error {
  /**
   * @param status - HTTP status, 0 when there was no reply at all
   * @param code - short stable word for programs, such as `not-a-scan`
   * @param message - one sentence for a reader
   * @param body - the reply's bytes where they mean something (409 of `ops`)
   * @param fields - what else the reply's JSON says, such as `last_good_rev`
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body?: ArrayBuffer,
    readonly fields: Readonly<Record<string, unknown>> = {}
  ) {
    super(message);
    this.name = 'ServerError';
  }

  /** There was no reply: the server is down or the network is gone. */
  get isOffline(): boolean {
    return this.status === 0;
  }

  /** The server does not know who asks (any more). */
  get needsLogin(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** Newest revision that is whole, where a layer's journal is damaged. */
  get lastGoodRev(): number | null {
    const rev = this.fields.last_good_rev;
    return typeof rev === 'number' ? rev : null;
  }

  /** Checksum of the file that something else wrote. */
  get sha256(): string | null {
    const sum = this.fields.sha256;
    return typeof sum === 'string' ? sum : null;
  }
}

/** True for the rejection of a request that its sender aborted. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** What `fetch` rejected with, as a ServerError (an abort stays what it is). */
export function offline(error: unknown): Error {
  if (isAbort(error) || error instanceof ServerError) {
    return error as Error;
  }
  return new ServerError(
    0,
    'offline',
    'The Jupyter server does not answer. Is it still running?'
  );
}

/** The error that a reply with an error status stands for. */
export async function errorOf(response: Response): Promise<ServerError> {
  const body = await response.arrayBuffer();
  const reply = messageIn(body);
  return new ServerError(
    response.status,
    reply.code ?? `http-${response.status}`,
    reply.message ?? sentenceFor(response.status),
    body,
    reply.fields
  );
}

interface IErrorReply {
  message?: string;
  code?: string;
  fields?: Record<string, unknown>;
}

function messageIn(body: ArrayBuffer): IErrorReply {
  try {
    const reply: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof reply !== 'object' || reply === null) {
      return {};
    }
    const { message, code, ...fields } = reply as Record<string, unknown>;
    return {
      message: typeof message === 'string' && message ? message : undefined,
      code: typeof code === 'string' && code ? code : undefined,
      fields
    };
  } catch {
    return {};
  }
}

function sentenceFor(status: number): string {
  switch (status) {
    case 401:
    case 403:
      return 'The Jupyter server does not know you any more. Log in again.';
    case 404:
      return 'The Jupyter server knows no such thing. Is the medlab server extension enabled?';
    default:
      return `The Jupyter server answered with status ${status}. Its log says more.`;
  }
}

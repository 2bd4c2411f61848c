import { errorOf, type IServer, ServerError } from './connection';

/*
 * How a request travels. Only seven files beside this one know the server's addresses, each
 * those of its subject: scans, volumes, slabs, labels, smart, runs, dicomweb. Every function
 * of theirs takes the server first, and rejects with a ServerError that carries a sentence
 * for the reader.
 */

/** A name as one part of an address: nothing in it climbs out. */
export const name = encodeURIComponent;

export async function ask(
  server: IServer,
  path: string,
  init: RequestInit
): Promise<Response> {
  const response = await server.request(path, init);
  if (!response.ok) {
    throw await errorOf(response);
  }
  if (isLoginPage(response)) {
    throw new ServerError(
      401,
      'login',
      'The Jupyter server does not know you any more. Log in again.'
    );
  }
  return response;
}

/** Some servers send whoever has no login to a page for people. */
function isLoginPage(response: Response): boolean {
  const type = response.headers.get('Content-Type') ?? '';
  return response.redirected && type.startsWith('text/html');
}

export async function getJson<T>(
  server: IServer,
  path: string,
  signal?: AbortSignal
): Promise<T> {
  return (await ask(server, path, { signal })).json() as Promise<T>;
}

export async function getBytes(
  server: IServer,
  path: string,
  signal?: AbortSignal
): Promise<ArrayBuffer> {
  return (await ask(server, path, { signal })).arrayBuffer();
}

export async function getBlob(
  server: IServer,
  path: string,
  signal?: AbortSignal
): Promise<Blob> {
  return (await ask(server, path, { signal })).blob();
}

export async function postJson<T>(
  server: IServer,
  path: string,
  body: unknown,
  signal?: AbortSignal
): Promise<T> {
  return (await post(server, path, body, signal)).json() as Promise<T>;
}

/** Sends JSON; for replies that are not. */
export function post(
  server: IServer,
  path: string,
  body: unknown,
  signal?: AbortSignal
): Promise<Response> {
  return ask(server, path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal
  });
}

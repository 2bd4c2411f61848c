// @vitest-environment jsdom
import { afterEach, describe, expect, it, vi } from 'vitest';

import {
  ServerError,
  type IServer
} from '../../../labextension/src/server/connection';
import { serverFromPage } from '../../../labextension/src/server/page';
import {
  fetchMetrics,
  openLayer,
  postOps,
  searchScans
} from '../../../labextension/src/server/requests';
import listing from '../../contract/scans-search.json';

function serverThatReplies(body: BodyInit, status = 200) {
  const request = vi.fn(async (_path: string, _init?: RequestInit) => {
    return new Response(body, { status });
  });
  const server: IServer = { labextensions: '/lab/extensions', request };
  return { server, request };
}

describe('requests', () => {
  it('hands on the list of the contract as it came', async () => {
    const { server, request } = serverThatReplies(JSON.stringify(listing));

    const query = { words: 'Doe^Jane', sort: 'date' };
    const rows = { offset: 0, limit: 100, private: true };
    expect(await searchScans(server, query, rows)).toEqual(listing);
    const [path, init] = request.mock.calls[0];
    // Search words can be a patient's name: they are in no address.
    expect(path).toBe('scans/search');
    expect(JSON.parse(String(init?.body))).toEqual({ ...query, ...rows });
  });

  it('says what the server says went wrong', async () => {
    const reply = JSON.stringify({ message: 'No such run.', code: 'no-run' });
    const { server } = serverThatReplies(reply, 404);

    const failure = fetchMetrics(server, 'x', 0);
    await expect(failure).rejects.toMatchObject({
      status: 404,
      code: 'no-run',
      message: 'No such run.'
    });
  });

  it('has a sentence of its own where the server sends a page', async () => {
    const { server } = serverThatReplies('<html>Bad gateway</html>', 502);

    await expect(openLayer(server, 'a', 'b')).rejects.toThrow('status 502');
  });

  it('keeps the missed frames of a stale edit', async () => {
    const { server } = serverThatReplies(new Uint8Array([1, 2, 3]), 409);

    const error = await postOps(server, 's', 'labels', new Blob()).catch(
      e => e
    );
    expect(error).toBeInstanceOf(ServerError);
    expect(new Uint8Array(error.body)).toEqual(new Uint8Array([1, 2, 3]));
  });

  it('never lets a layer name climb out of its address', async () => {
    const { server, request } = serverThatReplies('{}');
    await openLayer(server, 's', '../x');

    expect(request.mock.calls[0][0]).toBe('labels/s/..%2Fx');
  });
});

describe('serverFromPage', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    document.body.replaceChildren();
  });

  function page(config: string): void {
    const script = document.createElement('script');
    script.id = 'jupyter-config-data';
    script.type = 'application/json';
    script.textContent = config;
    document.body.append(script);
  }

  it('is none where the page is not of Jupyter', () => {
    expect(serverFromPage()).toBeNull();
    page('not json');
    expect(serverFromPage()).toBeNull();
  });

  it('asks below the base address with the XSRF cookie', async () => {
    page(JSON.stringify({ baseUrl: '/hub/user/a/' }));
    document.cookie = '_xsrf=2|abc=';
    const fetched = vi.fn(async (_url: string, _init: RequestInit) => {
      return new Response('{"runs": []}');
    });
    vi.stubGlobal('fetch', fetched);

    await serverFromPage()?.request('runs');

    const [url, init] = fetched.mock.calls[0];
    expect(new URL(url).pathname).toBe('/hub/user/a/medlab/runs');
    expect(new Headers(init.headers).get('X-XSRFToken')).toBe('2|abc=');
  });

  it('calls a server that is away by that name', async () => {
    page(JSON.stringify({ baseUrl: '/' }));
    vi.stubGlobal('fetch', () =>
      Promise.reject(new TypeError('Failed to fetch'))
    );

    const error = await serverFromPage()
      ?.request('runs')
      .catch(e => e);
    expect(error).toMatchObject({
      status: 0,
      code: 'offline',
      isOffline: true
    });
  });
});

import { describe, expect, it, vi } from 'vitest';

import {
  ServerError,
  type IServer
} from '../../../labextension/src/server/connection';
import { openLayer, postOps } from '../../../labextension/src/server/labels';
import { fetchMetrics } from '../../../labextension/src/server/runs';
import { searchScans } from '../../../labextension/src/server/scans';
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

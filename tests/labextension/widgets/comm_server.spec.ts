import { describe, expect, it } from 'vitest';

import {
  CommServer,
  type ICommModel
} from '../../../labextension/src/widgets/comm_server';

type Listener = (content: unknown, buffers: DataView[]) => void;

/** A kernel that answers each request with its own body, in pieces. */
class Kernel implements ICommModel {
  readonly sizes: number[] = [];
  private readonly _listeners = new Set<Listener>();
  private _parts: Uint8Array[] = [];

  on(_event: 'msg:custom', listener: Listener): void {
    this._listeners.add(listener);
  }

  off(_event: 'msg:custom', listener: Listener): void {
    this._listeners.delete(listener);
  }

  send(
    content: unknown,
    _callbacks?: unknown,
    buffers: ArrayBuffer[] = []
  ): void {
    const { id, parts } = content as { id: number; parts: number };
    this.sizes.push(buffers[0].byteLength);
    this._parts.push(new Uint8Array(buffers[0]));
    if (this._parts.length < parts) {
      return;
    }
    const pieces = this._parts.splice(0);
    pieces.forEach((piece, part) => {
      const reply = { kind: 'reply', id, status: 200, part, parts };
      this._listeners.forEach(listener =>
        listener(reply, [new DataView(piece.buffer)])
      );
    });
  }
}

describe('CommServer', () => {
  it('sends and gets long bodies in pieces of 1 MiB at most', async () => {
    const kernel = new Kernel();
    const server = new CommServer(kernel);
    const body = Uint8Array.from({ length: 2_500_000 }, (_, at) => at * 31);

    const response = await server.request('labels/x/y/ops', {
      method: 'POST',
      body
    });

    expect(kernel.sizes).toEqual([1048576, 1048576, 402848]);
    const back = new Uint8Array(await response.arrayBuffer());
    expect(back.length).toBe(body.length);
    expect(back.every((byte, at) => byte === body[at])).toBe(true);
  });

  it('gives up when asked to', async () => {
    const silent: ICommModel = {
      ...{ send: () => undefined, on: () => undefined, off: () => undefined }
    };
    const abort = new AbortController();

    const reply = new CommServer(silent).request('volumes/x', {
      signal: abort.signal
    });
    await Promise.resolve();
    setTimeout(() => abort.abort());

    await expect(reply).rejects.toThrow('The request was given up.');
  });
});

import type { Kernel } from '@jupyterlab/services';
import type { JSONObject, JSONValue } from '@lumino/coreutils';

type Heard = (data: unknown) => void;

/** A kernel's `imjoy_rpc` comm as imjoy-core wants a connection. */
export class CommConnection {
  constructor(kernel: Kernel.IKernelConnection) {
    this._comm = kernel.createComm('imjoy_rpc');
    this._comm.onMsg = message => {
      const data = message.content.data as JSONObject;
      const paths = (data.__buffer_paths__ ?? []) as (string | number)[][];
      delete data.__buffer_paths__;
      putBuffers(data, paths, message.buffers ?? []);
      if (typeof data.peer_id === 'string') {
        this._peer = data.peer_id;
      }
      this._fire(data.type as string, data);
    };
    this._comm.open({});
  }

  connect(): void {
    // The comm is open already.
  }

  disconnect(): void {
    if (!this._comm.isDisposed) {
      this._comm.close();
    }
  }

  emit(data: Record<string, unknown>): void {
    const { rest, paths, buffers } = takeBuffers({
      ...data,
      peer_id: this._peer
    });
    const message = { ...(rest as JSONObject), __buffer_paths__: paths };
    this._comm.send(message as JSONValue, undefined, buffers);
  }

  on(event: string, heard: Heard): void {
    this._heard.set(event, [...(this._heard.get(event) ?? []), heard]);
  }

  once(event: string, heard: Heard): void {
    const first: Heard = data => {
      this.off(event, first);
      heard(data);
    };
    this.on(event, first);
  }

  off(event: string, heard?: Heard): void {
    const left = heard
      ? (this._heard.get(event) ?? []).filter(one => one !== heard)
      : [];
    this._heard.set(event, left);
  }

  private _fire(event: string, data: unknown): void {
    for (const heard of [...(this._heard.get(event) ?? [])]) {
      heard(data);
    }
  }

  private _comm: Kernel.IComm;
  private _peer: string | undefined;
  private _heard = new Map<string, Heard[]>();
}

/** Puts binary parts back where `takeBuffers` of the other side found them. */
export function putBuffers(
  data: unknown,
  paths: readonly (readonly (string | number)[])[],
  buffers: readonly (ArrayBuffer | ArrayBufferView)[]
): void {
  paths.forEach((path, n) => {
    let place = data as Record<string | number, unknown>;
    for (const key of path.slice(0, -1)) {
      place = place[key] as Record<string | number, unknown>;
    }
    const buffer = buffers[n];
    place[path[path.length - 1]] = ArrayBuffer.isView(buffer)
      ? buffer.buffer.slice(
          buffer.byteOffset,
          buffer.byteOffset + buffer.byteLength
        )
      : buffer;
  });
}

/** Takes binary parts out of a message; leaves what was given unchanged. */
export function takeBuffers(data: unknown): {
  rest: unknown;
  paths: (string | number)[][];
  buffers: (ArrayBuffer | ArrayBufferView)[];
} {
  const paths: (string | number)[][] = [];
  const buffers: (ArrayBuffer | ArrayBufferView)[] = [];
  const strip = (value: unknown, path: (string | number)[]): unknown => {
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      paths.push(path);
      buffers.push(value);
      return null;
    }
    if (Array.isArray(value)) {
      return value.map((one, n) => strip(one, [...path, n]));
    }
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, one]) => [
          key,
          strip(one, [...path, key])
        ])
      );
    }
    return value;
  };
  return { rest: strip(data, []), paths, buffers };
}

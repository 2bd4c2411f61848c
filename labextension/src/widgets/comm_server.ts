import { type IServer, ServerError } from '../server/connection';

/** The part of an anywidget model that this needs. */
export interface ICommModel {
  send(content: unknown, callbacks?: unknown, buffers?: ArrayBuffer[]): void;
  on(event: 'msg:custom', listener: CommListener): void;
  off(event: 'msg:custom', listener: CommListener): void;
}

type CommListener = (content: unknown, buffers: DataView[]) => void;

interface IReplyPart {
  kind: string;
  id: number;
  status: number;
  part: number;
  parts: number;
}

interface IWaiting {
  parts: Uint8Array[];
  resolve: (response: Response) => void;
}

// Messages above 10 MiB are lost without an error; small ones let others through.
const CHUNK = 2 ** 20;

/**
 * The medlab server's answers from the kernel itself, over the widget's own messages:
 * for pages without the server extension (VS Code, Colab).
 */
export class CommServer implements IServer {
  constructor(private readonly _model: ICommModel) {
    _model.on('msg:custom', this._listen);
  }

  readonly labextensions = '';

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const body = await bytesOf(init.body);
    const id = ++this._last;
    const parts = Math.max(1, Math.ceil(body.length / CHUNK));
    const reply = new Promise<Response>((resolve, reject) => {
      this._waiting.set(id, { parts: [], resolve });
      init.signal?.addEventListener('abort', () => {
        this._waiting.delete(id);
        reject(new DOMException('The request was given up.', 'AbortError'));
      });
      setTimeout(() => {
        if (this._waiting.delete(id)) {
          reject(
            new ServerError(
              0,
              'offline',
              'The kernel does not answer. Is it busy, or was it restarted?'
            )
          );
        }
      }, 120_000);
    });
    for (let part = 0; part < parts; part++) {
      const chunk = body.slice(part * CHUNK, (part + 1) * CHUNK);
      this._model.send(
        {
          kind: 'request',
          id,
          method: init.method ?? 'GET',
          path,
          part,
          parts
        },
        undefined,
        [chunk.buffer]
      );
    }
    return reply;
  }

  dispose(): void {
    this._model.off('msg:custom', this._listen);
    this._waiting.clear();
  }

  private readonly _listen: CommListener = (content, buffers) => {
    const reply = content as IReplyPart;
    const waiting =
      reply?.kind === 'reply' ? this._waiting.get(reply.id) : null;
    if (!waiting) {
      return;
    }
    const { buffer, byteOffset, byteLength } = buffers[0];
    waiting.parts[reply.part] = new Uint8Array(
      buffer as ArrayBuffer,
      byteOffset,
      byteLength
    );
    if (Object.keys(waiting.parts).length === reply.parts) {
      this._waiting.delete(reply.id);
      const blob = new Blob(waiting.parts as Uint8Array<ArrayBuffer>[]);
      waiting.resolve(new Response(blob, { status: reply.status }));
    }
  };

  private readonly _waiting = new Map<number, IWaiting>();
  private _last = 0;
}

async function bytesOf(
  body: BodyInit | null | undefined
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await new Response(body ?? '').arrayBuffer());
}

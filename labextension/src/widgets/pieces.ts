/** A message of the kernel's half: one piece of a frame. */
interface IPiece {
  op: 'piece';
  what: string;
  part: number;
  parts: number;
}

/** The part of an anywidget model that carries messages. */
export interface IMessages {
  send(content: unknown): void;
  on(
    event: 'msg:custom',
    heard: (content: unknown, buffers: DataView[]) => void
  ): void;
  off(
    event: 'msg:custom',
    heard: (content: unknown, buffers: DataView[]) => void
  ): void;
}

/**
 * Fetches frames from the kernel, a piece of 1 MiB at a time.
 *
 * One piece is asked for after the other, so a slow line never has more than one message
 * under way, and a page reload begins anew.
 */
export class KernelFrames {
  constructor(private _model: IMessages) {
    _model.on('msg:custom', this._heard);
  }

  /** Resolves with the whole frame; hears the share that has arrived, 0..1. */
  fetch(what: string, progress: (share: number) => void = () => undefined) {
    this._waiting.get(what)?.reject(new Error('Asked for again.'));
    return new Promise<Uint8Array<ArrayBuffer>>((resolve, reject) => {
      this._waiting.set(what, { resolve, reject, progress, pieces: [] });
      this._model.send({ op: 'need', what, part: 0 });
    });
  }

  dispose(): void {
    this._model.off('msg:custom', this._heard);
    this._waiting.clear();
  }

  private _heard = (content: unknown, buffers: DataView[]): void => {
    const piece = content as IPiece;
    const request = piece.op === 'piece' && this._waiting.get(piece.what);
    // A second view of one widget hears the first one's pieces too: take them in order only.
    if (!request || piece.part !== request.pieces.length) {
      return;
    }
    const { buffer, byteOffset, byteLength } = buffers[0];
    request.pieces.push(
      new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
    );
    request.progress(request.pieces.length / piece.parts);
    if (request.pieces.length < piece.parts) {
      const part = request.pieces.length;
      this._model.send({ op: 'need', what: piece.what, part });
      return;
    }
    this._waiting.delete(piece.what);
    request.resolve(joined(request.pieces));
  };

  private _waiting = new Map<
    string,
    {
      resolve: (frame: Uint8Array<ArrayBuffer>) => void;
      reject: (error: Error) => void;
      progress: (share: number) => void;
      pieces: Uint8Array[];
    }
  >();
}

function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const whole = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

import type { IEditorContext } from '../../../../labextension/src/editor/context';
import { KEEP } from '../../../../labextension/src/editor/effects/proposal';
import type { Edit } from '../../../../labextension/src/editor/labels/delta';
import type { IServer } from '../../../../labextension/src/server/connection';
import { crc32, encodeFrame } from '../../../../labextension/src/server/frames';
import { encodeRuns } from '../../../../labextension/src/server/run_lengths';
import type { Box } from '../../../../labextension/src/server/voxels';
import { ServerError } from '../../../../labextension/src/server/connection';
import type {
  ISegment,
  Triple
} from '../../../../labextension/src/server/types';
import { ToolScene } from '../tools_scene';

/** An editor without a page, for effects: the session is always saved at once. */
export class EffectStage extends ToolScene {
  constructor(
    shape: Triple,
    segments: Partial<ISegment>[] = [{ id: 1 }, { id: 2 }],
    readonly server: ToolServer = new ToolServer()
  ) {
    super(shape, { segments, spacing: [1, 2, 3] });
  }

  readonly steps: Edit[][] = [];
  rev = 0;
  /** Resolves when the server has everything; replaced where it is slow. */
  settled: () => Promise<number> = () => Promise.resolve(this.rev);

  /** The context that effects are given. */
  get context(): IEditorContext {
    const rev = () => this.rev;
    const views = this.planes.views.map(view => ({
      ...{ plane: view.slice.plane, slice: view.slice },
      get index() {
        return view.index;
      }
    }));
    return {
      ...{ server: this.server, scanId: 'scan', scene: this.scene },
      ...{ settings: this.settings, trans: untranslated, hasTools: true },
      planes: { views, focused: views[0] },
      session: {
        ...{ layer: 'labels', flush: () => undefined },
        get rev() {
          return rev();
        },
        settled: () => this.settled(),
        commit: (step: Edit[]) => {
          this.steps.push(step);
          this.rev += step.length;
        }
      }
    } as unknown as IEditorContext;
  }

  /** Somebody draws: the labels change, and the layer has a new revision. */
  draw(at: number, label: number): void {
    this.labels.data[at] = label;
    this.rev++;
    this.labels.changed.emit({ box: this.labels.wholeBox, segments: false });
  }
}

export function untranslated(
  text: string,
  ...args: readonly (string | number)[]
): string {
  return text.replace(/%(\d)/g, (_, n: string) => String(args[Number(n) - 1]));
}

interface IAsked {
  method: string;
  path: string;
  body: Record<string, unknown> | null;
  answer: (status: number, body: Uint8Array<ArrayBuffer> | object) => void;
  isAborted: boolean;
}

/** A server whose answers the test gives. */
export class ToolServer implements IServer {
  readonly labextensions = '';
  readonly asked: IAsked[] = [];

  request(path: string, init: RequestInit = {}): Promise<Response> {
    return new Promise((resolve, reject) => {
      const asked: IAsked = {
        ...{ method: init.method ?? 'GET', path, isAborted: false },
        body: init.body ? JSON.parse(String(init.body)) : null,
        answer: (status, body) =>
          resolve(
            new Response(
              body instanceof Uint8Array ? body : JSON.stringify(body),
              { status }
            )
          )
      };
      init.signal?.addEventListener('abort', () => {
        asked.isAborted = true;
        reject(new DOMException('aborted', 'AbortError'));
      });
      this.asked.push(asked);
    });
  }

  /** The one question that waits for an answer. */
  get last(): IAsked {
    const asked = this.asked[this.asked.length - 1];
    if (!asked) {
      throw new ServerError(0, 'none', 'Nothing was asked.');
    }
    return asked;
  }
}

/** A preview frame as the server sends it: `label` at these places of the box. */
export function previewFrame(
  box: Box,
  places: Record<number, number>,
  rev = 0,
  more: Record<string, unknown> = {}
): Uint8Array<ArrayBuffer> {
  const size = (box[1] - box[0]) * (box[3] - box[2]) * (box[5] - box[4]);
  const labels = new Uint16Array(size).fill(KEEP);
  for (const [at, label] of Object.entries(places)) {
    labels[Number(at)] = label;
  }
  const payload = encodeRuns(labels);
  const header = {
    ...{ op: 'preview', scan: 'scan', layer: 'labels', rev, tool: 'margin' },
    ...{ box, enc: 'rle', segments: [1], new_segments: [], message: '' },
    ...more,
    crc: crc32(payload)
  };
  return encodeFrame(header, payload);
}

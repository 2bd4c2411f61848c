import type { IEditorContext } from '../../../../labextension/src/editor/context';
import { LabelSession } from '../../../../labextension/src/editor/labels/label_session';
import { MarkBoard } from '../../../../labextension/src/editor/marks/mark_board';
import { Settings } from '../../../../labextension/src/editor/settings';
import type {
  IToolView,
  ITool,
  Point
} from '../../../../labextension/src/editor/tools/tool';
import { untranslated } from '../../../../labextension/src/editor/translate';
import {
  ijkAt,
  type Plane,
  pixelOf,
  sliceGeometry
} from '../../../../labextension/src/editor/view/geometry';
import { Scene } from '../../../../labextension/src/editor/view/scene';
import { Volume } from '../../../../labextension/src/editor/view/volume';
import type { IServer } from '../../../../labextension/src/server/connection';
import type {
  IMark,
  ISegment,
  Triple
} from '../../../../labextension/src/server/types';
import { infoOf } from '../memory_server';
import { diagonal, segmentOf } from '../tools_scene';

const NO_SERVER: IServer = {
  request: () => Promise.reject(new Error('no server in this test')),
  labextensions: ''
};

export interface IPlaceOptions {
  affine?: number[][];
  spacing?: Triple;
  segments?: Partial<ISegment>[];
}

/** An editor without a page and without a server: a real session, a real board. */
export class MarkPlace {
  private constructor(
    readonly session: LabelSession,
    volume: Volume,
    segments: Partial<ISegment>[]
  ) {
    this.scene = new Scene(volume, session.labels);
    session.labels.setSegments(segments.map(segmentOf));
    this.context = {
      session,
      scene: this.scene,
      settings: this.settings,
      trans: untranslated,
      hasTools: true,
      signal: new AbortController().signal,
      isReady: () => true,
      notify: (sentence: string) => this.told.unshift(sentence),
      announce: (sentence: string) => this.told.unshift(sentence)
    } as unknown as IEditorContext;
    this.board = new MarkBoard(this.context);
  }

  static async make(
    shape: Triple,
    { affine, spacing = [1, 1, 1], segments = [{ id: 1 }] }: IPlaceOptions = {}
  ): Promise<MarkPlace> {
    const info = infoOf(shape, {
      spacing_mm: spacing,
      affine: affine ?? diagonal(spacing)
    });
    const options = { server: NO_SERVER, scanId: 'scan', tools: true };
    const { signal } = new AbortController();
    const session = await LabelSession.open(options, info, signal);
    return new MarkPlace(session, new Volume(info), segments);
  }

  readonly settings = new Settings({ segment: 1 });
  readonly scene: Scene;
  readonly context: IEditorContext;
  readonly board: MarkBoard;
  /** What was said, last first. */
  readonly told: string[] = [];

  get marks(): IMark[] {
    return [...this.session.labels.marks.values()];
  }

  get only(): IMark {
    if (this.marks.length !== 1) {
      throw new Error(`Expected one mark, there are ${this.marks.length}.`);
    }
    return this.marks[0];
  }

  view(plane: Plane): IToolView & { at(ijk: Triple): Point } {
    const { scene } = this;
    const slice = sliceGeometry(scene.volume.grid, plane);
    return {
      slice,
      scale: 4,
      get index() {
        return scene.crosshair[slice.w];
      },
      ijkAt(x, y) {
        return ijkAt(slice, x, y, scene.crosshair[slice.w]);
      },
      at: ijk => pixelOf(slice, ijk),
      showCursor: () => undefined,
      showOutline: () => undefined
    };
  }
}

const NO_KEYS = { altKey: false, ctrlKey: false };

/** Presses at the first place, moves over the others, and lets go. */
export function drag(
  tool: ITool,
  view: ReturnType<MarkPlace['view']>,
  ...way: Triple[]
): void {
  const [start, ...rest] = way.map(ijk => view.at(ijk));
  const held = tool.begin(view, start, NO_KEYS);
  rest.forEach(([x, y]) => held?.move(x, y));
  held?.end();
}

import type { IProposal } from '../../../labextension/src/editor/effects/proposal';
import type { Edit } from '../../../labextension/src/editor/labels/delta';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import {
  finished,
  type Work
} from '../../../labextension/src/editor/labels/later';
import { Settings } from '../../../labextension/src/editor/settings';
import type {
  IToolView,
  Point
} from '../../../labextension/src/editor/tools/tool';
import {
  ijkAt,
  type Plane,
  PLANES,
  sliceGeometry
} from '../../../labextension/src/editor/view/geometry';
import type {
  ICursor,
  IOutline
} from '../../../labextension/src/editor/view/overlay';
import { Scene } from '../../../labextension/src/editor/view/scene';
import { Volume } from '../../../labextension/src/editor/view/volume';
import type { ISegment, Triple } from '../../../labextension/src/server/types';
import type { Voxels } from '../../../labextension/src/server/voxels';
import { infoOf } from './memory_server';

/** An editor without a page: what the tools need, and what they did. */
export class ToolScene {
  constructor(
    readonly shape: Triple,
    options: {
      affine?: number[][];
      spacing?: Triple;
      segments?: Partial<ISegment>[];
      voxels?: Voxels;
    } = {}
  ) {
    const spacing = options.spacing ?? [1, 1, 1];
    const affine = options.affine ?? diagonal(spacing);
    const volume = new Volume(infoOf(shape, { spacing_mm: spacing, affine }));
    if (options.voxels) {
      volume.data.set(options.voxels);
    }
    const segments = (options.segments ?? [{ id: 1 }]).map(segmentOf);
    this.labels = new LabelMap(shape, undefined, segments);
    this.scene = new Scene(volume, this.labels);
    this.settings = new Settings({ segment: segments[0].id });
    this.planes = { views: PLANES.map(plane => new StillView(this, plane)) };
  }

  readonly labels: LabelMap;
  readonly scene: Scene;
  readonly settings: Settings;
  readonly planes: { views: StillView[] };
  readonly color = '#ff0000';
  /** What was told to the reader, last first. */
  readonly told: string[] = [];
  readonly edits: Edit[] = [];
  held = 0;
  readonly trans = (text: string) => text;
  readonly notify = (sentence: string) => {
    this.told.unshift(sentence);
  };

  readonly session = {
    hold: () => {
      this.held++;
    },
    release: () => {
      this.held--;
    },
    commitLater: (coding: Work<Edit | null>) => {
      this.held--;
      const edit = finished(coding);
      if (edit) {
        this.edits.push(edit);
      }
    },
    flush: () => undefined,
    commit: (step: Edit[]) => {
      this.edits.push(...step);
    }
  };

  view(plane: Plane): StillView {
    return this.planes.views.find(
      view => view.slice.plane === plane
    ) as StillView;
  }

  /** Places of the voxels that carry the label. */
  painted(label = 1): number[] {
    const found: number[] = [];
    this.labels.data.forEach((value, at) => {
      if (value === label) {
        found.push(at);
      }
    });
    return found;
  }

  get proposal(): IProposal | null {
    return this.scene.proposal as IProposal | null;
  }
}

/** A plane that nobody looks at; keeps what it was asked to show. */
export class StillView implements IToolView {
  constructor(
    private readonly _scene: ToolScene,
    plane: Plane
  ) {
    this.slice = sliceGeometry(_scene.scene.volume.grid, plane);
  }

  readonly slice;
  readonly scale = 4;
  cursor: ICursor | null = null;
  outline: IOutline | null = null;

  get index(): number {
    return this._scene.scene.crosshair[this.slice.w];
  }

  ijkAt(x: number, y: number): Triple {
    return ijkAt(this.slice, x, y, this.index);
  }

  /** Slice pixel of a voxel of the slice on show. */
  pixelOf(ijk: Triple): Point {
    const { slice } = this;
    const [u, v] = [ijk[slice.u], ijk[slice.v]];
    return [
      slice.flipU ? slice.width - 1 - u : u,
      slice.flipV ? slice.height - 1 - v : v
    ];
  }

  showCursor(cursor: ICursor | null): void {
    this.cursor = cursor;
  }

  showOutline(outline: IOutline | null): void {
    this.outline = outline;
  }
}

export function segmentOf(fields: Partial<ISegment>): ISegment {
  return {
    ...{ id: 1, name: 'a', color: '#ff0000', locked: false, visible: true },
    ...{ opacity: 100, outlined: true, state: 'not-started', code: null },
    ...fields
  };
}

export function diagonal([x, y, z]: Triple): number[][] {
  return [
    [x, 0, 0, 0],
    [0, y, 0, 0],
    [0, 0, z, 0],
    [0, 0, 0, 1]
  ];
}

/** Numbers from 0 to 1 that are the same in every run. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  // mulberry32
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

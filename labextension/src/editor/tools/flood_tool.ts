import type { Triple } from '../../server/types';

import { acceptProposal, type IProposal } from '../effects/proposal';
import type { IEditorContext } from '../context';
import { Stroke } from '../labels/stroke';
import { Later } from '../labels/later';
import { nearestVoxel } from '../view/geometry';
import { bandAround, type IBand } from './band';
import { Drawing, inkFor, type IToolContext } from './drawing';
import { type Belongs, floodSlice, floodVolume } from './flood';
import type { Ink } from './ink';
import {
  holds,
  type IRegion,
  NOWHERE,
  paintRegion,
  proposalOf
} from './region';
import type { ITool, IToolView, Point } from './tool';

/** Asks the server for what is too large for the page; null when it cannot tell. */
export type AskServer = (
  tool: 'fill' | 'grow',
  params: Record<string, unknown>,
  signal: AbortSignal
) => Promise<IProposal | null>;

interface IFloodContext extends IToolContext {
  readonly session: IEditorContext['session'];
}

/** Voxels the page follows by itself; more is the server's work. */
const LIMIT = 6_000_000;

/**
 * Fill and region grow: what is connected to the pressed pixel and like it.
 *
 * The fill takes what has the pixel's label (and an intensity within the tolerance of its
 * own); region grow takes the intensities that the tissue around the pixel has. The slice
 * shows what a press would give; through all slices a press asks for a preview, and
 * another press in it, or Enter, accepts.
 */
export class FloodTool implements ITool {
  constructor(
    private readonly _context: IFloodContext,
    private readonly _tool: 'fill' | 'grow',
    private readonly _ask: AskServer,
    private readonly _limit = LIMIT
  ) {}

  get isBusy(): boolean {
    return this._whole !== null;
  }

  /** A region is being followed through the slices, here or on the server. */
  get isFollowing(): boolean {
    return this._later.isBusy || this._asking !== null;
  }

  begin(view: IToolView, at: Point): null {
    const seed = this._seedAt(view, at);
    if (!this._context.settings.values.isThrough) {
      this._look(view, seed);
      this._paint();
    } else if (this._whole && covers(this._whole, seed)) {
      this.finish();
    } else {
      this._lookThrough(view, seed);
    }
    return null;
  }

  hover(view: IToolView, at: Point | null): void {
    if (this._whole || this.isFollowing) {
      return;
    }
    if (at) {
      this._look(view, this._seedAt(view, at));
    } else {
      this._hide();
    }
  }

  finish(): void {
    if (this._whole) {
      const proposal = this._whole;
      this._drop();
      acceptProposal(this._context, proposal);
    } else {
      this._paint();
    }
  }

  cancel(): void {
    this._drop();
    this._hide();
  }

  adjust(steps: number): boolean {
    const { settings } = this._context;
    if (this._tool !== 'grow' || !this._last) {
      return false;
    }
    const growExpand = settings.values.growExpand + steps;
    const { view, seed, isWhole } = this._last;
    settings.set({ growExpand: Math.min(20, Math.max(-20, growExpand)) });
    if (isWhole) {
      this._lookThrough(view, seed);
    } else {
      this._look(view, seed);
    }
    return true;
  }

  dispose(): void {
    this._drop();
  }

  /** Shows what a press would give on this slice. */
  private _look(view: IToolView, seed: Triple): void {
    const { scene, settings } = this._context;
    this._last = { view, seed, isWhole: false };
    const { labels } = scene;
    const ink = this._ink();
    const { segment, overwrites } = settings.values;
    this._region = labels.isOpen(segment, overwrites)
      ? floodSlice(
          labels.shape,
          view.slice,
          seed,
          this._likeIt(view, seed, ink)
        )
      : NOWHERE;
    this._show(proposalOf(this._tool, ink, this._region));
  }

  private _paint(): void {
    const region = this._region;
    this._hide();
    const drawing = region && Drawing.begin(this._context, this._tool);
    if (drawing && region) {
      drawing.tell(paintRegion(drawing.ink, region));
      drawing.end();
    }
  }

  /** Follows the region through all slices: here if it is small, else on the server. */
  private _lookThrough(view: IToolView, seed: Triple): void {
    const { scene, notify, trans } = this._context;
    this._drop();
    this._hide();
    this._last = { view, seed, isWhole: true };
    const ink = this._ink();
    const belongs = this._likeIt(view, seed, ink);
    const work = floodVolume(scene.labels.shape, seed, belongs, this._limit);
    notify(trans('Following the region…'));
    this._later.start(work, region => {
      if (region) {
        notify('');
        this._whole = proposalOf(this._tool, ink, region);
        this._show(this._whole);
      } else {
        this._askServer(view, seed);
      }
    });
  }

  private _askServer(view: IToolView, seed: Triple): void {
    const { scene, settings, notify, trans } = this._context;
    const { segment, tolerance, growTolerance, growExpand } = settings.values;
    const params =
      this._tool === 'fill'
        ? { segment, seed, tolerance }
        : {
            ...{ segment, seed, tolerance: growTolerance, axis: null },
            ...{ expand: growExpand, max_mm: null }
          };
    const asking = new AbortController();
    this._asking = asking;
    this._ask(this._tool, params, asking.signal).then(
      proposal => {
        if (this._asking === asking) {
          this._asking = null;
          notify('');
          this._whole = proposal;
          this._show(proposal);
          this._last = { view, seed, isWhole: true };
        }
      },
      (error: unknown) => {
        if (this._asking === asking) {
          this._asking = null;
          notify(
            error instanceof Error
              ? error.message
              : trans('The region is too large to follow.'),
            'alert'
          );
          scene.proposal = null;
        }
      }
    );
  }

  /** What a voxel must be like to belong with the seed. */
  private _likeIt(view: IToolView, seed: Triple, ink: Ink): Belongs {
    const { scene, settings } = this._context;
    const { labels, volume } = scene;
    const { data, strides } = labels;
    const at = seed[0] + seed[1] * strides[1] + seed[2] * strides[2];
    const band = this._band(view, seed, volume.data[at]);
    const may = ink.writable.slice();
    if (this._tool === 'fill') {
      // Only what carries the same label.
      const isOpen = may[data[at]];
      may.fill(0);
      may[data[at]] = isOpen;
    } else {
      // What the segment has already does not stop it.
      may[settings.values.segment] = 1;
    }
    const range = narrowed(band, ink.range);
    if (!range) {
      return place => may[data[place]] === 1;
    }
    const { low, high } = range;
    const voxels = volume.data;
    return place =>
      voxels[place] >= low && voxels[place] <= high && may[data[place]] === 1;
  }

  private _band(view: IToolView, seed: Triple, value: number): IBand | null {
    const { scene, settings } = this._context;
    const { tolerance, growTolerance, growExpand } = settings.values;
    const { volume, labels, window } = scene;
    if (volume.info.channels !== 1) {
      return null;
    }
    if (this._tool === 'fill') {
      return tolerance === null
        ? null
        : { low: value - tolerance, high: value + tolerance };
    }
    return bandAround(volume.data, labels.shape, view.slice, seed, {
      // Two hundredths of the window are what an eye can tell apart.
      floor: window.width / 50,
      expand: growExpand,
      tolerance: growTolerance
    });
  }

  private _seedAt(view: IToolView, at: Point): Triple {
    return nearestVoxel(this._context.scene.labels.shape, view.ijkAt(...at));
  }

  /** The ink as the settings are now; it only tells what it would take. */
  private _ink(): Ink {
    const { labels } = this._context.scene;
    const { segment } = this._context.settings.values;
    const unused = new Stroke(labels, this._tool, segment);
    return inkFor(this._context, this._tool, unused);
  }

  private _show(proposal: IProposal | null): void {
    const { scene } = this._context;
    // What an effect shows stays until its reader has decided.
    if (!scene.proposal || scene.proposal === this._shown) {
      scene.proposal = proposal;
      this._shown = proposal;
    }
  }

  private _hide(): void {
    if (this._shown) {
      this._show(null);
    }
    this._region = null;
  }

  /** Forgets what was followed through the slices. */
  private _drop(): void {
    this._asking?.abort();
    this._asking = null;
    this._later = new Later();
    if (this._whole) {
      this._whole = null;
      this._show(null);
    }
    this._last = null;
  }

  private _later = new Later<IRegion | null>();
  private _asking: AbortController | null = null;
  private _region: IRegion | null = null;
  private _whole: IProposal | null = null;
  private _shown: IProposal | null = null;
  private _last: { view: IToolView; seed: Triple; isWhole: boolean } | null =
    null;
}

/** What is in both. */
function narrowed(a: IBand | null, b: IBand | null): IBand | null {
  return a && b
    ? { low: Math.max(a.low, b.low), high: Math.min(a.high, b.high) }
    : (a ?? b);
}

/** The proposal changes this voxel. */
function covers({ box, labels }: IProposal, seed: Triple): boolean {
  const mask = new Uint8Array(labels.length);
  labels.forEach((label, at) => {
    mask[at] = label === 65535 ? 0 : 1;
  });
  return holds({ box, mask }, seed);
}

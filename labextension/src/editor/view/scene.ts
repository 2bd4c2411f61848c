import type { Triple } from '../../server/types';

import type { Shown } from '../effects/proposal';
import { Emitter } from '../emitter';
import {
  automaticWindow,
  type ILookup,
  type IWindow,
  lookupFor
} from './intensity';
import type { LabelMap } from '../labels/label_map';
import { type ILabelInk, labelInk } from './raster';
import type { ISettings } from '../settings';
import { Occupancy } from './occupancy';
import type { Volume } from './volume';

/** What all planes of an editor show: the scan and its labels, and how and where. */
export class Scene {
  constructor(
    readonly volume: Volume,
    readonly labels: LabelMap
  ) {
    const { info } = volume;
    this._window = info.window;
    this._lookup = lookupFor(info, info.window);
    this._ink = labelInk(labels, 0.5, true);
    this._crosshair = info.shape.map(size => Math.floor(size / 2)) as Triple;
    this.occupied = new Occupancy(labels);
  }

  /** Where there may be labels, so that the rest is drawn without a look at it. */
  readonly occupied: Occupancy;

  readonly crosshairChanged = new Emitter<Triple>();
  readonly windowChanged = new Emitter<IWindow>();
  readonly inkChanged = new Emitter<void>();
  readonly underlaysChanged = new Emitter<void>();

  /** Other layers of the scan, shown below the one that is drawn on. */
  get underlays(): readonly LabelMap[] {
    return this._areUnderlaysShown ? this._underlays : [];
  }

  /** Grows whenever other layers, or others than before, are to be shown. */
  get underlayTurn(): number {
    return this._underlayTurn;
  }

  setUnderlays(maps: readonly LabelMap[]): void {
    this._underlays = maps;
    this._underlayTurn++;
    this.underlaysChanged.emit();
  }
  /** The proposal is another one, or gone. */
  readonly proposalChanged = new Emitter<void>();

  get window(): IWindow {
    return this._window;
  }

  /** Pixel of each integer intensity; null for a scan of other numbers. */
  get lookup(): ILookup | null {
    return this._lookup;
  }

  get ink(): ILabelInk {
    return this._ink;
  }

  get crosshair(): Triple {
    return this._crosshair;
  }

  /** What a tool would do to the labels; drawn over them, and not in the map. */
  get proposal(): Shown | null {
    return this._proposal;
  }

  set proposal(proposal: Shown | null) {
    if (proposal !== this._proposal) {
      this._proposal = proposal;
      this.proposalChanged.emit();
    }
  }

  /** Who takes the next presses on the planes instead of the chosen tool. */
  picker: ((ijk: Triple) => void) | null = null;

  /** Voxel that an effect starts from; marked in the planes. */
  get seed(): Triple | null {
    return this._seed;
  }

  set seed(seed: Triple | null) {
    this._seed = seed;
    this.proposalChanged.emit();
  }

  setWindow(center: number, width: number): void {
    const { info } = this.volume;
    const floor = info.dtype === 'f4' ? 1e-6 : 1;
    this._window = { center, width: Math.max(floor, width) };
    this._lookup = lookupFor(info, this._window);
    this.windowChanged.emit({ ...this._window });
  }

  chooseWindow(preset: IWindow | 'auto' | 'full'): void {
    if (preset === 'full') {
      const [low, high] = this.volume.info.range;
      this.setWindow((low + high) / 2, high - low);
      return;
    }
    const { center, width } =
      preset === 'auto' ? automaticWindow(this.volume.sample) : preset;
    this.setWindow(center, width);
  }

  moveCrosshair(ijk: Triple): void {
    const old = this._crosshair;
    if (ijk.some((x, axis) => x !== old[axis])) {
      this._crosshair = ijk;
      this.crosshairChanged.emit([...ijk]);
    }
  }

  /** More is known of the volume than at first: it is looked at as before. */
  refresh(): void {
    this._lookup = lookupFor(this.volume.info, this._window);
  }

  /** Moves the crosshair along one axis of the voxels, not beyond its ends. */
  goTo(axis: number, index: number): void {
    const ijk: Triple = [...this._crosshair];
    const last = this.volume.info.shape[axis] - 1;
    ijk[axis] = Math.min(last, Math.max(0, index));
    this.moveCrosshair(ijk);
  }

  /** Colours the labels as the settings and the segment list say. */
  mixInk(settings: ISettings): void {
    const { areLabelsShown, isOutlined } = settings;
    const key = JSON.stringify([
      ...[settings.opacity, isOutlined, areLabelsShown],
      this.labels.segments.map(({ id, color, visible, opacity, outlined }) => [
        ...[id, color, visible, opacity, outlined]
      ])
    ]);
    if (key === this._inkKey) {
      return;
    }
    this._inkKey = key;
    if (areLabelsShown !== this._areUnderlaysShown) {
      this._areUnderlaysShown = areLabelsShown;
      this._underlayTurn++;
    }
    this._ink = labelInk(this.labels, settings.opacity, isOutlined);
    if (!areLabelsShown) {
      this._ink.fill.fill(0);
      this._ink.rim = null;
    }
    this.inkChanged.emit();
  }

  dispose(): void {
    this.occupied.dispose();
    this.crosshairChanged.clear();
    this.windowChanged.clear();
    this.inkChanged.clear();
    this.underlaysChanged.clear();
    this.proposalChanged.clear();
  }

  private _window: IWindow;
  private _lookup: ILookup | null;
  private _ink: ILabelInk;
  private _inkKey = '';
  private _underlays: readonly LabelMap[] = [];
  private _underlayTurn = 0;
  private _areUnderlaysShown = true;
  private _crosshair: Triple;
  private _proposal: Shown | null = null;
  private _seed: Triple | null = null;
}

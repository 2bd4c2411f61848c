import type { Box } from '../../server/frames';
import type { Triple } from '../../server/types';

import { paintConnected, paintOutline } from './area';
import { isEmpty } from '../labels/box';
import { paintBalls, paintDiscs } from './brush';
import type { Edit } from '../labels/delta';
import { ijkAt, type ISliceGeometry, nearestVoxel } from '../view/geometry';
import { Ink } from './ink';
import type { LabelMap } from '../labels/label_map';
import type { Work } from '../labels/later';
import type { Settings } from '../settings';
import { Stroke } from '../labels/stroke';
import type { Volume } from '../view/volume';

type Point = [number, number];

/** Turns pointer positions on a slice into labels; one instance a stroke. */
export class Painter {
  constructor(
    private readonly _map: LabelMap,
    private readonly _volume: Volume,
    private readonly _settings: Settings,
    private readonly _slice: ISliceGeometry,
    private readonly _index: number
  ) {
    const { tool, segment } = _settings.values;
    this._stroke = new Stroke(_map, tool, segment);
    this._ink = this._makeInk();
  }

  /** Paints from the last position to this one. */
  brushTo(x: number, y: number): void {
    const { radius_mm, isBall } = this._settings.values;
    const to = ijkAt(this._slice, x, y, this._index);
    const from = this._last ?? to;
    const spacing = this._volume.info.spacing_mm;
    const box = isBall
      ? paintBalls(this._ink, from, to, radius_mm, spacing)
      : paintDiscs(this._ink, from, to, radius_mm, spacing, this._slice.w);
    this._last = to;
    this._tell(box);
  }

  /** Paints what the outline encloses. */
  enclose(outline: readonly Point[]): void {
    this._tell(paintOutline(this._ink, this._slice, outline, this._index));
  }

  /** Fills what is connected to the pixel. */
  fillFrom(x: number, y: number): void {
    const seed: Triple = nearestVoxel(
      this._map.shape,
      ijkAt(this._slice, x, y, this._index)
    );
    const { tolerance } = this._settings.values;
    const isGrey = this._volume.info.channels === 1;
    const voxels = tolerance !== null && isGrey ? this._volume.data : null;
    this._tell(
      paintConnected(this._ink, this._slice, seed, voxels, tolerance ?? 0)
    );
  }

  /** Makes an edit of what was painted. */
  coding(): Work<Edit | null> {
    return this._stroke.coding();
  }

  cancel(): void {
    this._stroke.cancel();
  }

  private _makeInk(): Ink {
    const { tool, segment, protectsOthers, low, high } = this._settings.values;
    const erases = tool === 'eraser';
    const only = protectsOthers ? (erases ? segment : 0) : undefined;
    const writable = this._map.writable(only);
    if (this._map.segment(segment)?.locked && !erases) {
      writable.fill(0);
    }
    const isGrey = this._volume.info.channels === 1;
    const range =
      tool === 'threshold' && isGrey
        ? { voxels: this._volume.data, low, high }
        : null;
    return new Ink(
      this._map,
      this._stroke,
      erases ? 0 : segment,
      writable,
      range
    );
  }

  private _tell(box: Box): void {
    if (!isEmpty(box)) {
      this._map.changed.emit({ box, segments: false });
    }
  }

  private readonly _stroke: Stroke;
  private readonly _ink: Ink;
  private _last: Triple | null = null;
}

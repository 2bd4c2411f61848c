import type { Voxels } from '../../server/voxels';

import type { LabelMap } from '../labels/label_map';
import type { Stroke } from '../labels/stroke';

/** Intensities, both ends included. */
export interface IRange {
  voxels: Voxels;
  low: number;
  high: number;
}

/** What a tool writes, and where it may: locked labels and intensities outside a range stay. */
export class Ink {
  /**
   * @param writable - 1 for each label that may be overwritten
   * @param range - paint only intensities within
   */
  constructor(
    readonly map: LabelMap,
    readonly stroke: Stroke,
    readonly label: number,
    readonly writable: Uint8Array,
    readonly range: IRange | null
  ) {}

  /** The voxel would be painted. */
  takes(at: number): boolean {
    if (this.range) {
      const { voxels, low, high } = this.range;
      if (!(voxels[at] >= low && voxels[at] <= high)) {
        return false;
      }
    }
    return this.writable[this.map.data[at]] === 1;
  }

  /** Writes `count` voxels, `step` apart; their box has been touched before. */
  row(start: number, count: number, step: number): void {
    const data = this.map.data;
    const writable = this.writable;
    const label = this.label;
    const end = start + count * step;
    if (this.range) {
      const { voxels, low, high } = this.range;
      for (let at = start; at < end; at += step) {
        if (voxels[at] >= low && voxels[at] <= high && writable[data[at]]) {
          data[at] = label;
        }
      }
      return;
    }
    for (let at = start; at < end; at += step) {
      if (writable[data[at]]) {
        data[at] = label;
      }
    }
  }
}

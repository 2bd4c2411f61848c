import type { IVolumeInfo } from '../server/types';

import { Emitter } from './emitter';
import type { LabelMap, Overwrites } from './labels/label_map';
import type { Tool } from './tools/registry';

/** What the tools are set to. */
export interface ISettings {
  tool: Tool;
  radius_mm: number;
  /** A ball through all slices instead of a disc in one. */
  isBall: boolean;
  /** Label that is drawn. */
  segment: number;
  /** Voxels that the tools may change. */
  overwrites: Overwrites;
  /** Intensities, both ends included, that the threshold brush paints. */
  low: number;
  high: number;
  /** Every tool that paints or outlines keeps to that range, not just the threshold brush. */
  isRangeMasked: boolean;
  /** The range is shown over the image while a tool keeps to it. */
  isRangeShown: boolean;
  /** The fill spreads over intensities this close to the seed's; null: over any. */
  tolerance: number | null;
  /** The fill and the region grow spread through the slices. */
  isThrough: boolean;
  /** Region grow: intensities this close to the seed's; null: as its surroundings vary. */
  growTolerance: number | null;
  /** Region grow: steps wider (or narrower) than that, -20 to 20. */
  growExpand: number;
  /** Opacity of the labels, 0 to 1. */
  opacity: number;
  isOutlined: boolean;
  areLabelsShown: boolean;
  isCrosshairShown: boolean;
}

export class Settings {
  constructor(values: Partial<ISettings> = {}) {
    this.values = {
      tool: 'crosshair',
      radius_mm: 8,
      isBall: false,
      segment: 1,
      overwrites: 'visible',
      low: 0,
      high: 0,
      isRangeMasked: false,
      isRangeShown: true,
      tolerance: null,
      isThrough: false,
      growTolerance: null,
      growExpand: 0,
      opacity: 0.5,
      isOutlined: true,
      areLabelsShown: true,
      isCrosshairShown: true,
      ...values
    };
  }

  readonly values: ISettings;
  readonly changed = new Emitter<ISettings>();

  set(values: Partial<ISettings>): void {
    Object.assign(this.values, values);
    this.changed.emit(this.values);
  }

  /** One step on a scale where each step is about an eighth. */
  resizeBrush(direction: 1 | -1): void {
    const radius = this.values.radius_mm * (direction > 0 ? 1.15 : 1 / 1.15);
    this.set({
      radius_mm: Math.min(100, Math.max(0.2, +radius.toPrecision(3)))
    });
  }

  /** The next of: what is visible, background only, everything. */
  nextOverwrites(): void {
    const at = OVERWRITES.indexOf(this.values.overwrites);
    this.set({ overwrites: OVERWRITES[(at + 1) % OVERWRITES.length] });
  }

  get hasBrush(): boolean {
    return ['brush', 'eraser', 'threshold'].includes(this.values.tool);
  }

  /** The tool keeps to intensities from `low` to `high`. */
  get hasRange(): boolean {
    const { tool, isRangeMasked } = this.values;
    return tool === 'threshold' || (isRangeMasked && RANGED.includes(tool));
  }
}

export const OVERWRITES: readonly Overwrites[] = [
  'visible',
  'background',
  'everything'
];

const RANGED: readonly Tool[] = [
  ...(['brush', 'eraser', 'threshold', 'polygon', 'lasso'] as const),
  ...(['rectangle', 'ellipse', 'livewire', 'fill', 'grow'] as const)
];

/** Settings to start with that suit the scan. */
export function firstSettings(
  info: IVolumeInfo,
  labels: LabelMap,
  hasTools: boolean
): Partial<ISettings> {
  const [low, high] = info.range;
  return {
    segment: labels.segments[0]?.id ?? 1,
    low: Math.max(low, info.window.center),
    high,
    radius_mm: +(6 * Math.min(...info.spacing_mm)).toPrecision(2),
    tool: hasTools ? 'brush' : 'crosshair'
  };
}

import type { IVolumeInfo } from '../server/types';

import { Emitter } from './emitter';
import type { IconName } from './icons';
import type { LabelMap } from './labels/label_map';

export type Tool =
  'crosshair' | 'brush' | 'eraser' | 'threshold' | 'polygon' | 'lasso' | 'fill';

export interface IToolChoice {
  tool: Tool;
  icon: IconName;
  /** What it is called, before translation. */
  words: string;
  key: string;
}

export const TOOLS: readonly IToolChoice[] = [
  { tool: 'crosshair', icon: 'crosshair', words: 'Crosshair', key: 'c' },
  { tool: 'brush', icon: 'brush', words: 'Brush', key: 'b' },
  { tool: 'eraser', icon: 'eraser', words: 'Eraser', key: 'e' },
  { tool: 'threshold', icon: 'threshold', words: 'Threshold brush', key: 't' },
  { tool: 'polygon', icon: 'polygon', words: 'Polygon', key: 'p' },
  { tool: 'lasso', icon: 'lasso', words: 'Lasso', key: 'l' },
  { tool: 'fill', icon: 'fill', words: 'Fill', key: 'f' }
];

/** What the tools are set to. */
export interface ISettings {
  tool: Tool;
  radius_mm: number;
  /** A ball through all slices instead of a disc in one. */
  isBall: boolean;
  /** Label that is drawn. */
  segment: number;
  /** The fill spreads over intensities this close to the seed's; null: over any. */
  tolerance: number | null;
  /** Intensities the threshold brush paints. */
  low: number;
  high: number;
  /** Paint over background only, erase the chosen segment only. */
  protectsOthers: boolean;
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
      tolerance: null,
      low: 0,
      high: 0,
      protectsOthers: false,
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

  get hasBrush(): boolean {
    return ['brush', 'eraser', 'threshold'].includes(this.values.tool);
  }
}

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

import type { IVolumeInfo } from '../../server/types';
import type { Voxels } from '../../server/voxels';

/** Intensity windows: which part of the range is shown from black to white. */

export interface IWindow {
  center: number;
  width: number;
}

export interface IWindowPreset extends IWindow {
  name: string;
}

/** Customary windows for computed tomography, in HU. */
const CT_PRESETS: readonly IWindowPreset[] = [
  { name: 'Lung', center: -600, width: 1500 },
  { name: 'Soft tissue', center: 40, width: 400 },
  { name: 'Bone', center: 400, width: 1800 },
  { name: 'Brain', center: 40, width: 80 },
  { name: 'Liver', center: 60, width: 160 },
  { name: 'Vessels', center: 300, width: 600 }
];

export function presetsFor(info: IVolumeInfo): readonly IWindowPreset[] {
  return info.modality === 'CT' ? CT_PRESETS : [];
}

/**
 * Brightness of an intensity, 0 to 255.
 *
 * Source: DICOM PS3.3, C.11.2.1.2.1, "Default LINEAR Function".
 */
export function brightness(value: number, { center, width }: IWindow): number {
  if (width <= 1) {
    // The standard wants a width of 1 or more; small ranges (0..1 in a float scan) need less.
    const level = (value - center) / (width || 1e-9) + 0.5;
    return Math.round(255 * Math.min(1, Math.max(0, level)));
  }
  const level = (value - (center - 0.5)) / (width - 1) + 0.5;
  return Math.round(255 * Math.min(1, Math.max(0, level)));
}

/** Opaque grey pixels for each integer a voxel can hold; `offset` is added to a voxel. */
export interface ILookup {
  pixels: Uint32Array;
  offset: number;
}

/** @returns null for voxels in floating point, which need the arithmetic itself */
export function lookupFor(
  { dtype, inverted }: Pick<IVolumeInfo, 'dtype' | 'inverted'>,
  window: IWindow
): ILookup | null {
  if (dtype === 'f4') {
    return null;
  }
  const count = dtype === 'i1' || dtype === 'u1' ? 256 : 65536;
  const offset = dtype === 'i1' || dtype === 'i2' ? count / 2 : 0;
  const pixels = new Uint32Array(count);
  for (let at = 0; at < count; at++) {
    pixels[at] = greyPixel(brightness(at - offset, window), inverted);
  }
  return { pixels, offset };
}

/** @param inverted - the greatest values are black, as in DICOM's MONOCHROME1 */
export function greyPixel(level: number, inverted = false): number {
  const shown = inverted ? 255 - level : level;
  return (0xff000000 | (shown * 0x010101)) >>> 0;
}

/**
 * The window from the 1st to the 99th percentile.
 *
 * The commonest value of the scan's floor (air, padding) is left out where it fills
 * more than a third, so that it does not eat the contrast.
 */
export function automaticWindow(voxels: Voxels): IWindow {
  const step = Math.max(1, Math.floor(voxels.length / 200_000));
  const sample: number[] = [];
  let floor = Infinity;
  for (let at = 0; at < voxels.length; at += step) {
    const value = voxels[at];
    if (Number.isFinite(value)) {
      sample.push(value);
      floor = Math.min(floor, value);
    }
  }
  const above = sample.filter(value => value > floor);
  const kept =
    above.length > 0 && above.length < sample.length * 0.67 ? above : sample;
  if (kept.length === 0) {
    return { center: 0, width: 1 };
  }
  kept.sort((a, b) => a - b);
  const low = kept[Math.floor(0.01 * (kept.length - 1))];
  const high = kept[Math.ceil(0.99 * (kept.length - 1))];
  return { center: (low + high) / 2, width: Math.max(high - low, 1e-6) };
}

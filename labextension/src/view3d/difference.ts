import type { Labels } from '../server/voxels';
import type { IOverlay, IOverlaySegment } from './types';

/** What a prediction did at a voxel, compared with the labels. */
export const AGREED = 1;
export const MISSED = 2;
export const EXTRA = 3;
export const OTHER = 4;

/*
 * Okabe and Ito's palette, told apart with every common colour blindness
 * (https://jfly.uni-koeln.de/color/); agreement is pale so that faults inside show.
 */
const LEGEND: readonly IOverlaySegment[] = [
  { id: AGREED, name: 'agreed', color: '#999999', visible: true, alpha: 0.12 },
  { id: MISSED, name: 'missed', color: '#e69f00', visible: true },
  { id: EXTRA, name: 'extra', color: '#56b4e9', visible: true },
  { id: OTHER, name: 'other segment', color: '#cc79a7', visible: true }
];

/** Where two label maps of one grid agree, and how they differ. */
export function differenceOf(
  labels: Labels,
  prediction: Labels
): IOverlay & { counts: Record<number, number> } {
  const data = new Uint8Array(labels.length);
  const counts = [0, 0, 0, 0, 0];
  for (let at = 0; at < data.length; at++) {
    const truth = labels[at];
    const found = prediction[at];
    if (truth !== 0 || found !== 0) {
      const kind =
        truth === found
          ? AGREED
          : found === 0
            ? MISSED
            : truth === 0
              ? EXTRA
              : OTHER;
      data[at] = kind;
      counts[kind]++;
    }
  }
  return {
    data,
    segments: LEGEND.filter(({ id }) => id !== OTHER || counts[OTHER] > 0),
    counts
  };
}

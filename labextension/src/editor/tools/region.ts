import type { Box } from '../../server/voxels';

import { type IProposal, KEEP } from '../effects/proposal';
import { isEmpty, sizeOf } from '../labels/box';
import type { Ink } from './ink';

/** Some voxels of a map: a box, and which of its voxels, 1 for yes, i fastest. */
export interface IRegion {
  box: Box;
  mask: Uint8Array;
}

export const NOWHERE: IRegion = {
  box: [0, 0, 0, 0, 0, 0],
  mask: new Uint8Array(0)
};

/** Paints the region's voxels, as far as the ink may. */
export function paintRegion(ink: Ink, { box, mask }: IRegion): Box {
  if (isEmpty(box)) {
    return box;
  }
  ink.stroke.touch(box);
  const [, strideJ, strideK] = ink.map.strides;
  const width = box[1] - box[0];
  let at = 0;
  for (let k = box[4]; k < box[5]; k++) {
    for (let j = box[2]; j < box[3]; j++, at += width) {
      const start = box[0] + j * strideJ + k * strideK;
      for (let x = 0; x < width; x++) {
        if (mask[at + x]) {
          const first = x;
          while (x < width && mask[at + x]) {
            x++;
          }
          ink.row(start + first, x - first, 1);
        }
      }
    }
  }
  return box;
}

/** What painting the region would change, to be shown first; null when nothing. */
export function proposalOf(
  tool: string,
  ink: Ink,
  { box, mask }: IRegion
): IProposal | null {
  const labels = new Uint16Array(sizeOf(box)).fill(KEEP);
  const { data, strides } = ink.map;
  const width = box[1] - box[0];
  let at = 0;
  let count = 0;
  for (let k = box[4]; k < box[5]; k++) {
    for (let j = box[2]; j < box[3]; j++, at += width) {
      const start = box[0] + j * strides[1] + k * strides[2];
      for (let x = 0; x < width; x++) {
        if (
          mask[at + x] &&
          data[start + x] !== ink.label &&
          ink.takes(start + x)
        ) {
          labels[at + x] = ink.label;
          count++;
        }
      }
    }
  }
  return count === 0 ? null : { tool, box, labels, segments: [ink.label] };
}

/** The voxel is one of the region's. */
export function holds({ box, mask }: IRegion, ijk: readonly number[]): boolean {
  const [i, j, k] = ijk;
  const isInside =
    i >= box[0] &&
    i < box[1] &&
    j >= box[2] &&
    j < box[3] &&
    k >= box[4] &&
    k < box[5];
  if (!isInside) {
    return false;
  }
  const width = box[1] - box[0];
  const height = box[3] - box[2];
  return mask[i - box[0] + width * (j - box[2] + height * (k - box[4]))] === 1;
}

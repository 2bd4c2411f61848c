import type { Triple } from '../../server/types';
import type { Box } from '../../server/voxels';

/** Half-open boxes of voxels. */

export function unionOf(a: Box | null, b: Box): Box {
  if (!a) {
    return [...b];
  }
  return a.map((edge, at) =>
    at % 2 === 0 ? Math.min(edge, b[at]) : Math.max(edge, b[at])
  ) as Box;
}

export function clip(box: Box, shape: Triple): Box {
  return box.map((edge, at) =>
    Math.min(shape[at >> 1], Math.max(0, edge))
  ) as Box;
}

export function isEmpty(box: Box): boolean {
  return box[1] <= box[0] || box[3] <= box[2] || box[5] <= box[4];
}

export function sizeOf(box: Box): number {
  return (box[1] - box[0]) * (box[3] - box[2]) * (box[5] - box[4]);
}

/** Copies the box out of a map of this shape, i fastest. */
export function copyBox<T extends Uint8Array | Uint16Array>(
  data: T,
  shape: Triple,
  box: Box
): T {
  const width = box[1] - box[0];
  const out = new (data.constructor as new (n: number) => T)(sizeOf(box));
  let at = 0;
  for (let k = box[4]; k < box[5]; k++) {
    for (let j = box[2]; j < box[3]; j++) {
      const start = box[0] + shape[0] * (j + shape[1] * k);
      out.set(data.subarray(start, start + width), at);
      at += width;
    }
  }
  return out;
}

/** The smallest box around the voxels of a label; null without any. */
export function boxOf(
  data: Uint8Array | Uint16Array,
  shape: Triple,
  label: number
): Box | null {
  const first = data.indexOf(label);
  if (first < 0) {
    return null;
  }
  const [I, J] = shape;
  const k0 = Math.floor(first / (I * J));
  const k1 = Math.floor(data.lastIndexOf(label) / (I * J)) + 1;
  const box: Box = [I, 0, J, 0, k0, k1];
  let at = k0 * I * J;
  for (let row = 0; row < (k1 - k0) * J; row++) {
    for (let i = 0; i < I; i++, at++) {
      if (data[at] === label) {
        const j = row % J;
        box[0] = Math.min(box[0], i);
        box[1] = Math.max(box[1], i + 1);
        box[2] = Math.min(box[2], j);
        box[3] = Math.max(box[3], j + 1);
      }
    }
  }
  return box;
}

/** The smallest box around the voxels that differ between two maps; null without any. */
export function boxOfLabels(
  a: Uint8Array | Uint16Array,
  b: Uint8Array | Uint16Array,
  shape: Triple
): Box | null {
  const [I, J, K] = shape;
  const box: Box = [I, 0, J, 0, K, 0];
  let at = 0;
  for (let k = 0; k < K; k++) {
    for (let j = 0; j < J; j++) {
      for (let i = 0; i < I; i++, at++) {
        if (a[at] !== b[at]) {
          box[0] = Math.min(box[0], i);
          box[1] = Math.max(box[1], i + 1);
          box[2] = Math.min(box[2], j);
          box[3] = Math.max(box[3], j + 1);
          box[4] = Math.min(box[4], k);
          box[5] = k + 1;
        }
      }
    }
  }
  return isEmpty(box) ? null : box;
}

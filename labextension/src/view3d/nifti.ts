import type { IScene } from './types';

/*
 * NiiVue reads files, so a scan in memory is handed to it as one.
 * Source: nifti1.h, https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h
 */

const HEADER_BYTES = 352;
const MILLIMETRES = 2;
const SCANNER = 1;

/** The scan as an uncompressed NIfTI-1 file, its affine as the sform. */
export function niftiOf(scene: Omit<IScene, 'window'>): ArrayBuffer {
  const { shape, affine, channels, data } = scene;
  const [code, bits] = typeOf(data, channels);
  const file = new ArrayBuffer(HEADER_BYTES + data.byteLength);
  const header = new DataView(file);
  const i2 = (at: number, value: number) => header.setInt16(at, value, true);
  const f4 = (at: number, value: number) => header.setFloat32(at, value, true);

  header.setInt32(0, 348, true);
  [3, ...shape, 1, 1, 1, 1].forEach((size, n) => i2(40 + 2 * n, size));
  i2(70, code);
  i2(72, bits);
  [1, ...spacingOf(affine), 1, 1, 1, 1].forEach((mm, n) => f4(76 + 4 * n, mm));
  f4(108, HEADER_BYTES);
  f4(112, 1); // slope: intensities are what they say
  header.setUint8(123, MILLIMETRES);
  i2(254, SCANNER);
  affine.slice(0, 3).forEach((row, r) => {
    row.forEach((value, c) => f4(280 + 16 * r + 4 * c, value));
  });
  [0x6e, 0x2b, 0x31].forEach((letter, n) => header.setUint8(344 + n, letter));
  new Uint8Array(file, HEADER_BYTES).set(
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  );
  return file;
}

/** Distance between neighbouring voxels along I, J and K. */
export function spacingOf(affine: number[][]): number[] {
  return [0, 1, 2].map(axis =>
    Math.hypot(affine[0][axis], affine[1][axis], affine[2][axis])
  );
}

function typeOf(data: IScene['data'], channels: 1 | 3): [number, number] {
  if (channels === 3) {
    return [128, 24];
  }
  if (data instanceof Uint8Array) {
    return [2, 8];
  }
  if (data instanceof Int8Array) {
    return [256, 8];
  }
  if (data instanceof Int16Array) {
    return [4, 16];
  }
  return data instanceof Uint16Array ? [512, 16] : [16, 32];
}

/* Voxels as they travel and as they are kept: little-endian, i fastest, then j, k. */

/** Half-open box of voxels: i0, i1, j0, j1, k0, k1. */
export type Box = [number, number, number, number, number, number];

/** One integer a voxel. */
export type Labels = Uint8Array | Uint16Array;

/** Intensities as the server stores them. */
export type Voxels =
  Int8Array | Uint8Array | Int16Array | Uint16Array | Float32Array;

export type VoxelType = 'i1' | 'u1' | 'i2' | 'u2' | 'f4';

const ARRAYS = {
  i1: Int8Array,
  u1: Uint8Array,
  i2: Int16Array,
  u2: Uint16Array,
  f4: Float32Array
};

export function emptyVoxels(dtype: VoxelType, length: number): Voxels {
  return new ARRAYS[dtype](length);
}

/** The bytes as voxels: they must begin where their buffer does. */
export function voxelsIn(bytes: ArrayBuffer, dtype: VoxelType): Voxels {
  return new ARRAYS[dtype](bytes);
}

/** The bytes that the voxels are kept in. */
export function bytesOf(voxels: Voxels): Uint8Array {
  return new Uint8Array(voxels.buffer, voxels.byteOffset, voxels.byteLength);
}

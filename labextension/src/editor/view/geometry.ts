import type { Triple } from '../../server/types';

/*
 * From voxels to the screen and back. Voxel indices are (i, j, k) at voxel centres;
 * world positions are RAS+ millimetres; slice pixels are (x, y) with x to the right and
 * y down, the centre of the first pixel at (0, 0).
 */

export type Plane = 'axial' | 'sagittal' | 'coronal';

export const PLANES: readonly Plane[] = ['axial', 'sagittal', 'coronal'];

/** A scan's voxel grid in the patient. */
export interface IGrid {
  shape: Triple;
  /** 3x4 rows, voxel -> RAS mm. */
  affine: number[][];
  /** 3x4 rows, RAS mm -> voxel. */
  inverse: number[][];
  spacing: Triple;
  /** Voxel axis that runs closest to R, A, S. */
  axes: Triple;
  /** +1 where that axis runs towards R, A, S, and -1 where it runs away. */
  signs: Triple;
}

/** How one plane lies on the screen. */
export interface ISliceGeometry {
  plane: Plane;
  /** Voxel axes along the screen's x, its y, and through the slices. */
  u: number;
  v: number;
  w: number;
  /** The index falls as x (or y) grows. */
  flipU: boolean;
  flipV: boolean;
  /** Index step through the slices towards S, R or A. */
  stepW: 1 | -1;
  width: number;
  height: number;
  depth: number;
  /** Millimetres a pixel. */
  sizeU: number;
  sizeV: number;
  letters: { left: string; right: string; top: string; bottom: string };
}

/** @param affine - 4x4, voxel -> RAS+ mm, row by row */
export function gridOf(shape: Triple, affine: number[][]): IGrid {
  const columns = [0, 1, 2].map(axis =>
    [0, 1, 2].map(row => affine[row][axis])
  );
  const spacing = columns.map(column => Math.hypot(...column) || 1) as Triple;
  const axes = nearestAxes(columns.map((c, a) => c.map(x => x / spacing[a])));
  const signs = axes.map((axis, ras) => (columns[axis][ras] < 0 ? -1 : 1));
  return {
    shape,
    affine: affine.slice(0, 3),
    inverse: invert(affine),
    spacing,
    axes,
    signs: signs as Triple
  };
}

const ORDERS: readonly Triple[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0]
];

function nearestAxes(directions: number[][]): Triple {
  const closeness = (order: Triple) =>
    order.reduce((sum, axis, ras) => sum + Math.abs(directions[axis][ras]), 0);
  return ORDERS.reduce((best, order) =>
    closeness(order) > closeness(best) + 1e-9 ? order : best
  );
}

function invert(m: number[][]): number[][] {
  const [[a, b, c, x], [d, e, f, y], [g, h, i, z]] = m;
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const rows = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d]
  ].map(row => row.map(value => value / det));
  return rows.map(row => [...row, -(row[0] * x + row[1] * y + row[2] * z)]);
}

function transform(m: number[][], p: readonly number[]): Triple {
  return m.map(r => r[0] * p[0] + r[1] * p[1] + r[2] * p[2] + r[3]) as Triple;
}

export function rasOf(grid: IGrid, ijk: readonly number[]): Triple {
  return transform(grid.affine, ijk);
}

export function ijkOf(grid: IGrid, ras: readonly number[]): Triple {
  return transform(grid.inverse, ras);
}

/**
 * Lays a plane on the screen.
 *
 * Axial: anterior on top. Coronal and sagittal: superior on top. Sagittal: anterior on
 * the left. Radiological: the patient's left is on the image's right.
 */
export function sliceGeometry(
  grid: IGrid,
  plane: Plane,
  radiological = true
): ISliceGeometry {
  // Anatomical axis (0 R, 1 A, 2 S) along x, along y, through the slices.
  const [ux, vy, wz] = {
    axial: [0, 1, 2],
    sagittal: [1, 2, 0],
    coronal: [0, 2, 1]
  }[plane];
  const towards = ux === 0 && !radiological ? 1 : -1;
  const [u, v, w] = [grid.axes[ux], grid.axes[vy], grid.axes[wz]];
  const flipU = grid.signs[ux] !== towards;
  const flipV = grid.signs[vy] !== -1;
  const right = directionLetter(grid, u, flipU ? -1 : 1);
  const down = directionLetter(grid, v, flipV ? -1 : 1);
  return {
    ...{ plane, u, v, w, flipU, flipV },
    stepW: grid.signs[wz] as 1 | -1,
    width: grid.shape[u],
    height: grid.shape[v],
    depth: grid.shape[w],
    sizeU: grid.spacing[u],
    sizeV: grid.spacing[v],
    letters: {
      left: OPPOSITE[right],
      right,
      top: OPPOSITE[down],
      bottom: down
    }
  };
}

const OPPOSITE: Record<string, string> = {
  ...{ L: 'R', R: 'L', A: 'P', P: 'A', S: 'I', I: 'S' }
};

function directionLetter(grid: IGrid, axis: number, sign: number): string {
  const ras = grid.axes.indexOf(axis);
  const towards = grid.affine[ras][axis] * sign > 0;
  return (towards ? 'RAS' : 'LPI')[ras];
}

/** Voxel index, not rounded, under slice pixel (x, y) of slice `index`. */
export function ijkAt(
  slice: ISliceGeometry,
  x: number,
  y: number,
  index: number
): Triple {
  const ijk: Triple = [0, 0, 0];
  ijk[slice.u] = slice.flipU ? slice.width - 1 - x : x;
  ijk[slice.v] = slice.flipV ? slice.height - 1 - y : y;
  ijk[slice.w] = index;
  return ijk;
}

/** Slice pixel of a voxel index; the slice it lies in is `ijk[slice.w]`. */
export function pixelOf(
  slice: ISliceGeometry,
  ijk: readonly number[]
): [number, number] {
  const x = ijk[slice.u];
  const y = ijk[slice.v];
  return [
    slice.flipU ? slice.width - 1 - x : x,
    slice.flipV ? slice.height - 1 - y : y
  ];
}

export function isInside(shape: Triple, ijk: readonly number[]): boolean {
  return ijk.every((x, axis) => x >= -0.5 && x < shape[axis] - 0.5);
}

/** The voxel nearest to `ijk`, moved into the grid. */
export function nearestVoxel(shape: Triple, ijk: readonly number[]): Triple {
  return ijk.map((x, axis) =>
    Math.min(shape[axis] - 1, Math.max(0, Math.round(x)))
  ) as Triple;
}

import type { Triple } from '../../server/types';

import type { Translate } from '../translate';
import { type IGrid, type Plane, rasOf } from './geometry';

export const TITLES: Record<Plane, string> = {
  axial: 'Axial',
  sagittal: 'Sagittal',
  coronal: 'Coronal'
};

const SLICES: Record<Plane, string> = {
  axial: 'Axial slice %1 of %2, %3',
  sagittal: 'Sagittal slice %1 of %2, %3',
  coronal: 'Coronal slice %1 of %2, %3'
};

/** Anatomical directions across each plane: below zero, above zero. */
const DIRECTIONS: Record<Plane, { axis: number; letters: string }> = {
  axial: { axis: 2, letters: 'IS' },
  sagittal: { axis: 0, letters: 'LR' },
  coronal: { axis: 1, letters: 'PA' }
};

/**
 * A slice in words, for screen readers: `Axial slice 12 of 34, S 20.0 mm`.
 *
 * @param unit - of lengths
 */
export function sliceInWords(
  plane: Plane,
  { index, depth }: { index: number; depth: number },
  { grid, ijk, unit }: { grid: IGrid; ijk: Triple; unit: string },
  trans: Translate
): string {
  const { axis, letters } = DIRECTIONS[plane];
  const along = rasOf(grid, ijk)[axis];
  const side = letters[along < 0 ? 0 : 1];
  const place = `${side} ${Math.abs(along).toFixed(1)} ${unit}`;
  return trans(SLICES[plane], index + 1, depth, place);
}

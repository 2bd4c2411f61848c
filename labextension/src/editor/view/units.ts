import type { IVolumeInfo } from '../../server/types';

/**
 * What lengths are told in: millimetres, or pixels where no file says how large a voxel is.
 *
 * The numbers are the same either way: such a scan's affine counts pixels.
 */
export interface IUnits {
  length: 'mm' | 'px';
  area: 'mm²' | 'px²';
  volume: 'mm³' | 'px³';
}

const MILLIMETRES: IUnits = { length: 'mm', area: 'mm²', volume: 'mm³' };
const PIXELS: IUnits = { length: 'px', area: 'px²', volume: 'px³' };

export function unitsOf({
  spacing_unit
}: Pick<IVolumeInfo, 'spacing_unit'>): IUnits {
  return spacing_unit === 'pixels' ? PIXELS : MILLIMETRES;
}

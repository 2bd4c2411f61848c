import type { IMark } from '../../server/types';

import type { IEditorContext } from '../context';
import { rasOf } from '../view/geometry';
import { unitsOf } from '../view/units';

import { extent } from './mark';
import {
  angle_deg,
  area_mm2,
  distance_mm,
  type IRegionStatistics,
  regionStatistics,
  sides_mm,
  axisThrough
} from './measure';

type Place = Pick<IEditorContext, 'scene' | 'trans' | 'isReady'>;

/** What a mark says, in a few words: a length, an angle, a size, a class. */
export function valueOf(mark: IMark, place: Place): string {
  const { grid, info } = place.scene.volume;
  const [a, b, c] = mark.points;
  switch (mark.kind) {
    case 'point':
      return a ? placeOf(mark, place) : '';
    case 'line':
      return b
        ? `${distance_mm(grid, a, b).toFixed(1)} ${unitsOf(info).length}`
        : '';
    case 'angle':
      return c ? `${angle_deg(grid, a, b, c).toFixed(1)}°` : '';
    case 'class':
      return mark.value ?? '';
    case 'box':
      return sides(mark, place);
    default:
      return b ? regionWords(mark, place) : '';
  }
}

/** A box says its size; a region what lies in it. */
function regionWords(mark: IMark, place: Place): string {
  if (mark.kind === 'rectangle' && !isRegion(mark, place)) {
    return sides(mark, place);
  }
  const { grid, info } = place.scene.volume;
  const area = `${short(area_mm2(grid, mark))} ${unitsOf(info).area}`;
  const found = statisticsOf(mark, place);
  const { unit } = info;
  return found
    ? `${short(found.mean)} ± ${short(found.sd)}${unit ? ` ${unit}` : ''}, ${area}`
    : area;
}

/** A rectangle that belongs to no segment is for measuring, not for detection. */
function isRegion(mark: IMark, { scene }: Place): boolean {
  return mark.segment === null || !scene.labels.segment(mark.segment);
}

function sides(mark: IMark, { scene }: Place): string {
  const { grid, info } = scene.volume;
  const all = sides_mm(grid, mark);
  const flat = mark.kind === 'box' ? -1 : axisThrough(grid, mark.plane);
  // Right-left, then front-back, then head-foot.
  const shown = grid.axes.filter(axis => axis !== flat);
  const lengths = shown.map(axis => all[axis].toFixed(1));
  return `${lengths.join(' × ')} ${unitsOf(info).length}`;
}

/** The place of a mark in the patient, to a tenth of a millimetre (or pixel). */
export function placeOf(mark: IMark, { scene }: Place): string {
  const { low, high } = extent(mark);
  const middle = low.map((x, axis) => (x + high[axis]) / 2);
  return rasOf(scene.volume.grid, middle)
    .map(
      (x, axis) => `${(x < 0 ? 'LPI' : 'RAS')[axis]} ${Math.abs(x).toFixed(1)}`
    )
    .join('  ');
}

/** The longer list of what is known of a mark, as pairs of words. */
export function factsOf(mark: IMark, place: Place): [string, string][] {
  const { trans, scene } = place;
  const facts: [string, string][] = [];
  const units = unitsOf(scene.volume.info);
  if (mark.kind === 'rectangle' || mark.kind === 'ellipse') {
    const { grid, info } = scene.volume;
    const found = statisticsOf(mark, place);
    const unit = info.unit ? ` ${info.unit}` : '';
    facts.push([trans('Size'), sides(mark, place)]);
    facts.push([
      trans('Area'),
      `${area_mm2(grid, mark).toFixed(1)} ${units.area}`
    ]);
    if (found) {
      facts.push(
        [trans('Mean'), `${exact(found.mean)}${unit}`],
        [trans('SD'), `${exact(found.sd)}${unit}`],
        [trans('Min'), `${exact(found.min)}${unit}`],
        [trans('Max'), `${exact(found.max)}${unit}`],
        [trans('Voxels'), String(found.count)]
      );
    }
  }
  if (mark.points.length > 0) {
    facts.push([trans('Place'), `${placeOf(mark, place)} ${units.length}`]);
  }
  return facts;
}

const FOUND = new WeakMap<IMark, IRegionStatistics | null>();

/** Marks are never changed in place, so what was counted stays true. */
export function statisticsOf(
  mark: IMark,
  { scene, isReady }: Place
): IRegionStatistics | null {
  if (!isReady()) {
    return null;
  }
  let found = FOUND.get(mark);
  if (found === undefined) {
    found = regionStatistics(scene.volume, mark);
    FOUND.set(mark, found);
  }
  return found;
}

/** Three digits, more for large numbers. */
function short(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(+value.toFixed(digits));
}

function exact(value: number): string {
  return String(+value.toPrecision(6));
}

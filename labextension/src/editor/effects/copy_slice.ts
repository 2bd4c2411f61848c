import type { Box } from '../../server/voxels';

import { copyBox } from '../labels/box';

import type { Values } from './fields';
import { KEEP, type IProposal } from './proposal';
import { type IEffectPlace, Missing } from './place';

/**
 * Proposes for the slice on show what a neighbour of it holds.
 *
 * @param step - slices towards the neighbour, -1 for the previous one
 */
export function copiedSlice(
  { context }: IEffectPlace,
  values: Values,
  step: 1 | -1
): IProposal | Missing {
  const { planes, scene, settings } = context;
  const { slice, index } = planes.focused;
  const from = index + step * slice.stepW;
  if (from < 0 || from >= slice.depth) {
    return new Missing('There is no slice on that side: this is the last one.');
  }
  const { segment } = settings.values;
  const map = scene.labels;
  const box = [...map.wholeBox] as Box;
  const at = (where: number): Box => {
    const flat = [...box] as Box;
    flat[2 * slice.w] = where;
    flat[2 * slice.w + 1] = where + 1;
    return flat;
  };
  const theirs = copyBox(map.data, map.shape, at(from));
  const labels = new Uint16Array(theirs.length).fill(KEEP);
  const found = new Set<number>();
  theirs.forEach((label, n) => {
    if (label !== 0 && (values.which === 'all' || label === segment)) {
      labels[n] = label;
      found.add(label);
    }
  });
  if (found.size === 0) {
    return new Missing('That slice holds nothing to copy.');
  }
  const tool = step < 0 ? 'copy-previous' : 'copy-next';
  return { tool, box: at(index), labels, segments: [...found] };
}

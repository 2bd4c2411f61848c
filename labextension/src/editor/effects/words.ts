import type { ISegment } from '../../server/types';

import type { Translate } from '../translate';

import type { IProposalCount } from './proposal';

/** `12,345`: in the way the reader's browser groups digits. */
export function counted(count: number): string {
  return count.toLocaleString();
}

/**
 * What accepting would do: "+1,234 voxels to left lung, 12 from liver; 3 locked voxels
 * left alone".
 *
 * @param segments - those of the layer, and those that would be added
 */
export function countWords(
  { gained, lost, spared }: IProposalCount,
  segments: readonly ISegment[],
  trans: Translate
): string {
  const name = (id: number) =>
    segments.find(segment => segment.id === id)?.name ?? trans('label %1', id);
  const byCount = (counts: Map<number, number>) =>
    [...counts].filter(([id]) => id !== 0).sort((a, b) => b[1] - a[1]);
  const more = byCount(gained);
  const less = byCount(lost);
  const changes = [
    ...more.map(([id, count], at) =>
      at === 0
        ? trans('+%1 voxels to %2', counted(count), name(id))
        : trans('+%1 to %2', counted(count), name(id))
    ),
    ...less.map(([id, count], at) =>
      at === 0 && more.length === 0
        ? trans('−%1 voxels from %2', counted(count), name(id))
        : trans('%1 from %2', counted(count), name(id))
    )
  ];
  const left = sparedWords(spared, trans);
  return [shortened(changes, trans).join(', '), ...left].join('; ');
}

/** Voxels that are left alone, and why. */
export function sparedWords(
  { locked, others }: IProposalCount['spared'],
  trans: Translate
): string[] {
  return [
    ...(locked > 0
      ? [trans('%1 locked voxels left alone', counted(locked))]
      : []),
    ...(others > 0
      ? [trans('%1 hidden or protected voxels left alone', counted(others))]
      : [])
  ];
}

function shortened(changes: readonly string[], trans: Translate): string[] {
  return changes.length > 5
    ? [...changes.slice(0, 4), trans('%1 more', changes.length - 4)]
    : [...changes];
}

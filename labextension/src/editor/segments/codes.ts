import type { ISegmentCode } from '../../server/types';

import anatomy from './anatomy_codes.json';

/**
 * Codes of common anatomy and findings, to search without a network.
 *
 * From DICOM PS3.16, context groups 7151 to 7155, 7159, 7160, 7166 and 7602 and organs of
 * 4030 and 4031; a test compares each with pydicom's code dictionary.
 */
export const CODES: readonly ISegmentCode[] = (
  anatomy as [string, string][]
).map(([value, meaning]) => ({ scheme: 'SCT', value, meaning }));

/**
 * The codes whose meaning fits the words best: equal, then beginning with them, then a
 * word of it beginning with them, then containing them; or whose value they begin.
 */
export function searchCodes(words: string, count: number): ISegmentCode[] {
  const wanted = words.trim().toLowerCase();
  if (!wanted) {
    return [];
  }
  return CODES.map(code => ({ code, rank: rankOf(code, wanted) }))
    .filter(({ rank }) => rank < Infinity)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, count)
    .map(({ code }) => code);
}

function rankOf({ value, meaning }: ISegmentCode, wanted: string): number {
  const text = meaning.toLowerCase();
  if (text === wanted || value === wanted) {
    return 0;
  }
  if (text.startsWith(wanted)) {
    return 1;
  }
  if (` ${text}`.includes(` ${wanted}`) || value.startsWith(wanted)) {
    return 2;
  }
  // "left lung" finds "Lung".
  const isWithin = wanted.split(/\s+/).some(word => text === word);
  return text.includes(wanted) ? 3 : isWithin ? 4 : Infinity;
}

import type { IScan } from '../server/types';

/** Everything of a scan that a reader may search for, in small letters. */
export function searchText(scan: IScan): string {
  return [
    scan.name,
    scan.path,
    scan.patient,
    scan.study,
    scan.description,
    scan.date,
    scan.modality,
    scan.format,
    ...scan.layers
  ]
    .filter(part => part)
    .join(' ')
    .toLowerCase();
}

/** The scans in which all words occur somewhere, in any order. */
export function filterScans(
  scans: readonly IScan[],
  words: string
): readonly IScan[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) {
    return scans;
  }
  return scans.filter(scan => {
    const text = searchText(scan);
    return wanted.every(word => text.includes(word));
  });
}

/** Rows to draw so that what is in view, and a little around it, is there. */
export function rowsInView(
  scrollTop: number,
  height: number,
  rowHeight: number,
  count: number,
  around = 4
): [number, number] {
  const first = Math.floor(scrollTop / rowHeight) - around;
  const last = Math.ceil((scrollTop + height) / rowHeight) + around;
  const from = Math.min(Math.max(0, first), Math.max(0, count - 1));
  return [from, Math.max(from, Math.min(count, last))];
}

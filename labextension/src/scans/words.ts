import type { IScan } from '../server/types';

/**
 * What a reader calls a scan: a series by its description, a file by its name.
 *
 * Folders of DICOM files hold many series, and have names that no reader chose.
 */
export function titleOf(scan: IScan): string {
  return (scan.series && scan.description) || scan.name;
}

/**
 * Patient, date, study and folder as far as they are told, what matters least at the end.
 *
 * @param isBelow - the rows above say already whose the scan is
 */
export function wordsOf(scan: IScan, isBelow = false): string {
  const { patient, study, description, date, name } = scan;
  const words = isBelow
    ? [date, description, name]
    : [patient, date, study, description, name];
  const title = titleOf(scan);
  return words.filter(word => word && word !== title).join(' · ');
}

/** The second line of a row: the words of the header, else the folder of the file. */
export function originOf(scan: IScan, isBelow = false): string {
  const { path, name } = scan;
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/')));
  return wordsOf(scan, isBelow) || (path === name ? '' : folder || path);
}

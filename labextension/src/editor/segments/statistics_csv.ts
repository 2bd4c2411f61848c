/**
 * What the server measured of one segment; null where it has no voxels or no meaning.
 *
 * What is called mm here is in pixels where the scan's file says no spacing.
 */
export interface ISegmentStatistics {
  segment: number;
  voxels: number;
  volume_mm3: number;
  mean: number | null;
  sd: number | null;
  median: number | null;
  min: number | null;
  max: number | null;
  surface_mm2: number | null;
  diameter_mm: number | null;
  centroid_mm: [number, number, number] | null;
}

const COLUMNS = [
  'voxels',
  'volume_mm3',
  'mean',
  'sd',
  'median',
  'min',
  'max',
  'surface_mm2',
  'diameter_mm'
] as const;

/**
 * A table for a spreadsheet (RFC 4180), one row a segment, numbers as measured.
 *
 * @param unit - of lengths; part of the columns' names
 */
export function statisticsCsv(
  rows: readonly ISegmentStatistics[],
  nameOf: (segment: number) => string,
  unit: 'mm' | 'px'
): string {
  const head = [
    ...['segment', 'name'],
    ...[...COLUMNS, 'r_mm', 'a_mm', 's_mm'].map(column =>
      column.replace(/_mm(?=\d?$)/, `_${unit}`)
    )
  ];
  const lines = rows.map(row => {
    const place = row.centroid_mm ?? [null, null, null];
    return [
      ...[row.segment, nameOf(row.segment)],
      ...COLUMNS.map(column => row[column]),
      ...place
    ];
  });
  return [head, ...lines]
    .map(line => line.map(cell).join(',') + '\r\n')
    .join('');
}

function cell(value: string | number | null): string {
  if (typeof value !== 'string') {
    return value === null ? '' : String(value);
  }
  // A name that begins like a formula would be run by a spreadsheet.
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

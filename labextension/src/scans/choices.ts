import type { TranslationBundle } from '@jupyterlab/translation';

/** Modalities of pictures that DICOM knows and scans commonly have (PS3.3, C.7.3.1.1.1). */
export const MODALITIES = [
  ...['CT', 'MR', 'PT', 'NM', 'US', 'XA', 'RF', 'CR', 'DX', 'MG', 'OT'],
  ...['OP', 'OPT', 'ES', 'GM', 'SM', 'SC']
] as const;

/** What the list can be sorted by; the keys are the server's. */
export const SORTS: readonly {
  key: string;
  label: (trans: TranslationBundle) => string;
}[] = [
  { key: 'path', label: trans => trans.__('By file') },
  { key: 'patient', label: trans => trans.__('By patient') },
  { key: 'date', label: trans => trans.__('By date') },
  { key: 'modality', label: trans => trans.__('By modality') },
  { key: 'description', label: trans => trans.__('By description') },
  { key: 'body_part', label: trans => trans.__('By body part') },
  { key: 'slices', label: trans => trans.__('By slices') },
  { key: 'size_bytes', label: trans => trans.__('By size') }
];

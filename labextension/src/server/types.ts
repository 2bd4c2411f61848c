/*
 * What travels between the server and the browser, word for word as on the wire.
 * Each message has an example below tests/contract/, which both test suites read.
 */

/** I, J, K or x, y, z: one number an axis. */
export type Triple = [number, number, number];

/** One scan as the server lists it: a file or a DICOM series. */
export interface IScan {
  /** 16 hexadecimal digits, free of patient data. */
  id: string;
  /** Relative to the Jupyter root, forward slashes; absolute if outside of it. */
  path: string;
  /** SeriesInstanceUID of a DICOM series. */
  series: string | null;
  name: string;
  format: 'nifti' | 'nrrd' | 'metaimage' | 'dicom' | string;
  modality: string;
  /** Voxels along I, J, K; null when the scan cannot be read. */
  shape: number[] | null;
  spacing_mm: number[] | null;
  orientation: string | null;
  size_bytes: number;
  slices: number | null;
  patient: string | null;
  study: string | null;
  description: string | null;
  date: string | null;
  /** Somebody drew labels on it. */
  labels: boolean;
  /** Names of the label layers. */
  layers: string[];
  /** Sentences that say why the scan cannot be read, and what to do next. */
  error: string | null;
  /** The same in a word or two: `Not a readable scan`. */
  error_title?: string;
  /** The same for programs: `not-a-scan`. */
  error_code?: string;
  warnings: string[];
  /** Volumes in the scan; more than 1 in a 4D one. */
  frames: number;
  /** What tells the volumes apart: time, b-value, echo, phase, component, volume. */
  frame_kind: string | null;
  /** One a volume: seconds, s/mm², ms or a name. */
  frame_values: (number | string)[];
  /** `pixels` where no file says how large a voxel is. */
  spacing_unit: 'mm' | 'pixels';
  body_part: string | null;
  series_number: number | string | null;
  /** Empty unless names are shown. */
  patient_id: string | null;
  /** Twelve hexadecimal digits that say whose, and of which study, and no more. */
  patient_key: string;
  study_key: string;
  /** Label files that refer to this series. */
  attachments: IAttachment[];
  source: 'disk' | 'dicomweb';
}

/** A DICOM segmentation or structure set, drawn on a series of the list. */
export interface IAttachment {
  kind: 'seg' | 'rtstruct';
  /** Relative to the Jupyter root. */
  path: string;
  name: string;
}

/** Which scans are meant, and in which order. */
export interface IScanQuery {
  /** Each must occur somewhere in what is known of a scan. */
  words: string;
  sort: string;
  descending: boolean;
  problems: 'errors' | 'warnings' | null;
  modality: string | null;
  labels: boolean | null;
  patient: string | null;
  study: string | null;
}

/** Where the server is with reading the headers of the scans. */
export interface IIndexing {
  state: 'idle' | 'running' | 'cancelled' | 'failed';
  done: number;
  /** null while it is not known how much there is. */
  total: number | null;
  found: number;
  error: string | null;
  /** Nobody can write below the root: labels and runs cannot be kept. */
  read_only: boolean;
}

/** Some rows of a list of scans. */
export interface IScanPage {
  scans: IScan[];
  /** Rows that the query has. */
  total: number;
  /** Scans below the Jupyter root. */
  all: number;
  /** Another one whenever something in the index changed. */
  revision: number | string;
  indexing: IIndexing;
}

/** A patient, or a study of one. */
export interface IScanGroup {
  key: string;
  /** A patient's is `Patient 1` and so on unless names are shown. */
  label: string;
  detail: string;
  scans: number;
  date: string;
  modalities: string[];
}

export interface IScanGroups {
  groups: IScanGroup[];
  total: number;
}

/** One field of a scan's header. */
export interface ITag {
  /** `0010,0010`; empty where the format has no numbers for its fields. */
  tag: string;
  keyword: string;
  vr: string;
  /** Told only while names are shown where it says who the patient is. */
  value: string;
  /** How deep it lies in sequences. */
  depth: number;
  is_private: boolean;
  identifies: boolean;
}

export interface ITags {
  tags: ITag[];
  total: number;
}

export interface IVolumeInfo {
  id: string;
  /** Voxels along I, J, K. */
  shape: Triple;
  spacing_mm: Triple;
  /** `pixels` where no file says how large a voxel is: lengths are then no mm. */
  spacing_unit: 'mm' | 'pixels';
  /** 4x4, voxel -> RAS+ mm, row by row. */
  affine: number[][];
  orientation: string;
  modality: string;
  /** `HU` for CT, else empty. */
  unit: string;
  dtype: 'i1' | 'u1' | 'i2' | 'u2' | 'f4';
  channels: 1 | 3;
  /** The greatest values are black (MONOCHROME1); left out where they are white. */
  inverted?: boolean;
  name: string;
  warnings: string[];
  window: { center: number; width: number };
  /** Smallest and greatest voxel. */
  range: [number, number];
  /** Bytes of one plane along K. */
  slab_bytes: number;
}

export type SegmentState =
  'not-started' | 'in-progress' | 'completed' | 'flagged';

/** What a segment is in a vocabulary, such as SNOMED CT (`SCT`). */
export interface ISegmentCode {
  scheme: string;
  value: string;
  meaning: string;
}

export interface ISegment {
  id: number;
  name: string;
  /** `#rrggbb` */
  color: string;
  locked: boolean;
  visible: boolean;
  /** Percent, on top of the opacity of all labels. */
  opacity: number;
  outlined: boolean;
  state: SegmentState;
  code: ISegmentCode | null;
}

export type MarkKind =
  'point' | 'line' | 'angle' | 'rectangle' | 'ellipse' | 'box' | 'class';

/** A point, a measurement, a box for detection, or the class of a slice or scan. */
export interface IMark {
  /** 12 hexadecimal digits. */
  id: string;
  kind: MarkKind;
  name: string;
  /** `#rrggbb`; null: the segment's, else the default. */
  color: string | null;
  segment: number | null;
  /** Plane of a flat mark; null for a point or a box in 3D. */
  plane: 'axial' | 'sagittal' | 'coronal' | null;
  /** Voxel coordinates, the centre of voxel 0 is 0; up to three decimals. */
  points: Triple[];
  scope: 'study' | 'image' | 'slice' | null;
  /** The class; null for other marks. */
  value: string | null;
  note: string;
}

/** A label layer as the server opens it. */
export interface ILayerInfo {
  scan: string;
  layer: string;
  rev: number;
  shape: Triple;
  dtype: 'u1' | 'u2';
  affine: number[][];
  segments: ISegment[];
  marks: IMark[];
}

/** A label layer as it is listed below its scan. */
export interface ILayerSummary {
  name: string;
  rev: number;
  segments: ISegment[];
}

export type LabelFormat = 'nifti' | 'seg.nrrd' | 'dicom-seg' | 'coco' | 'csv';

/** Where `save` wrote a layer. */
export interface ISavedFile {
  path: string;
  rev: number;
  sha256: string;
}

/**
 * The file a layer is saved to.
 *
 * `behind`: the layer was edited since; `changed`: something else wrote the file since.
 */
export interface ILayerFile {
  path: string | null;
  rev: number;
  sha256: string | null;
  state: 'none' | 'current' | 'behind' | 'changed' | 'missing';
}

/** A label file that fits a scan. */
export interface ILabelFile {
  /** Relative to the Jupyter root. */
  path: string;
  format: string;
  name: string;
}

/** A smart tool that is still at work. */
export interface ISmartJob {
  job: string;
  /** 0 to 1; null when unknown. */
  progress: number | null;
  message: string;
}

export type RunState =
  | 'queued'
  | 'compiling'
  | 'running'
  | 'validating'
  | 'paused'
  | 'stopping'
  | 'finished'
  | 'stopped'
  | 'failed'
  | 'lost';

/** One training as the server lists it. */
export interface IRun {
  id: string;
  name: string;
  state: RunState;
  template: string | null;
  /** Unix seconds. */
  created: number;
  updated: number;
  epoch: number;
  epochs: number | null;
  step: number;
  steps_per_epoch: number | null;
  eta_s: number | null;
  loss: number | null;
  val_loss: number | null;
  metrics: Record<string, number | null>;
  message: string;
  host: string;
  where: string;
}

/** The trainer's heartbeat. */
export interface IRunStatus {
  state: RunState;
  heartbeat?: number;
  pid?: number;
  host?: string;
  epoch?: number;
  epochs?: number | null;
  step?: number;
  steps_per_epoch?: number | null;
  eta_s?: number | null;
  /** Share of the last epoch, 0 to 1, in which the step waited for data. */
  wait_share?: number | null;
  /** How long the training step took to compile; null until it is. */
  compile_s?: number | null;
  /** What a person should know at once, until its cause is gone. */
  alert?: IRunAlert | null;
  /** Sequence number of the last control command that was acted on. */
  ack_seq?: number;
  message?: string;
}

export interface IRunAlert {
  code: 'disk-full' | 'disk-failed' | 'not-finite' | 'out-of-memory' | string;
  /** What happened, and what to do. */
  message: string;
}

export interface IRunDetail {
  summary: IRun;
  recipe: Record<string, unknown> | null;
  status: IRunStatus;
}

/**
 * One line of a run's log. Readers ignore kinds they do not know.
 *
 * `step` counts optimiser steps from 1 over the whole run; `t` is in unix seconds.
 * Other numbers of `batch` and `epoch` lines are metrics by name. A `rewind` says that
 * what was logged after its step counts no more: training goes on from there.
 */
export interface IMetricLine {
  kind:
    | 'batch'
    | 'epoch'
    | 'preview'
    | 'control'
    | 'alert'
    | 'rewind'
    | 'state'
    | string;
  t?: number;
  epoch?: number;
  step?: number;
  file?: string;
  seq?: number;
  cmd?: string;
  args?: Record<string, unknown>;
  code?: string;
  state?: string;
  message?: string;
  [name: string]: unknown;
}

export interface IMetricsTail {
  /** Byte to read from next time. */
  next: number;
  lines: IMetricLine[];
  status: IRunStatus;
}

export interface ILogTail {
  next: number;
  text: string;
}

export type RunCommand = 'pause' | 'resume' | 'stop' | 'checkpoint' | 'set';

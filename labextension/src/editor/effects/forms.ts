import type { Plane } from '../view/geometry';
import { type IUnits, unitsOf } from '../view/units';

import type { IChoiceField, IField, INumberField, Values } from './fields';
import { axisOf, type IEffectPlace, Missing, type Params } from './place';

/** For each effect: its fields, and the parameters that its tool on the server expects. */

const NO_SEED =
  'Click into the image to choose where to start, or type a voxel below.';

function number(
  name: string,
  words: string,
  value: number | null,
  unit: string,
  more: Partial<INumberField> = {}
): INumberField {
  return { kind: 'number', name, words, value, unit, ...more };
}

function choice(
  name: string,
  words: string,
  options: IChoiceField['options'],
  more: Partial<IChoiceField> = {}
): IChoiceField {
  const value = options[0][0];
  return { kind: 'choice', name, words, options, value, ...more };
}

const is =
  (name: string, ...wanted: readonly string[]) =>
  (values: Values) =>
    wanted.includes(String(values[name]));

const IN_VOLUME = ['volume', 'Whole volume'] as const;
const IN_SLICE = ['slice', 'This slice'] as const;

export const isInSlice = is('extent', 'slice');

/** The segment that is drawn. */
function chosen({ context }: IEffectPlace): number {
  return context.settings.values.segment;
}

/** Axis and index of the slice on show in the plane that has the focus. */
function slice({ context }: IEffectPlace): { axis: number; index: number } {
  const view = context.planes.focused;
  return { axis: view.slice.w, index: view.index };
}

function intensityUnit({ context }: IEffectPlace): string {
  return context.scene.volume.info.unit;
}

/** What lengths are in. The tools' `mm` are pixels where the scan knows no mm. */
function units({ context }: IEffectPlace): IUnits {
  return unitsOf(context.scene.volume.info);
}

/** A length to begin with: two of the largest voxel sides, and a round number. */
function firstLength({ context }: IEffectPlace): number {
  const side = Math.max(...context.scene.volume.info.spacing_mm);
  return Math.max(1, Math.round(2 * side));
}

// Threshold

export function thresholdFields(place: IEffectPlace): IField[] {
  const { low, high } = place.context.settings.values;
  const [min, max] = place.context.scene.volume.info.range;
  const unit = intensityUnit(place);
  const isWhole = place.context.scene.volume.info.dtype !== 'f4';
  const step = isWhole ? 1 : +((max - min) / 500).toPrecision(1);
  const more = { slides: true, min, max, step };
  return [
    number('low', 'From', Math.max(min, Math.min(max, low)), unit, more),
    number('high', 'to', Math.max(min, Math.min(max, high)), unit, more),
    choice('extent', 'Where', [IN_VOLUME, IN_SLICE]),
    {
      ...{ kind: 'segment', name: 'within', words: 'Only within' },
      ...{ value: null, empty: 'anywhere' }
    }
  ];
}

export function threshold(
  place: IEffectPlace,
  values: Values
): Params | Missing {
  const { low, high } = values;
  if (Number(low) > Number(high)) {
    return new Missing(
      'The range is empty: its first number is the smaller one.'
    );
  }
  const at = isInSlice(values) ? slice(place) : { axis: null, index: null };
  return { segment: chosen(place), low, high, ...at, within: values.within };
}

// What spreads from a voxel

export function growFields(place: IEffectPlace): IField[] {
  return [
    number('tolerance', 'Tolerance', null, intensityUnit(place), {
      min: 0,
      empty: 'auto',
      help: 'How far an intensity may be from that of the chosen voxel.'
    }),
    number('expand', 'Tighter or wider', 0, '', {
      ...{ slides: true, min: -20, max: 20, step: 1, isWhole: true }
    }),
    number('max_mm', 'Not farther than', null, units(place).length, {
      ...{ min: 0.1, max: 500, empty: 'any' }
    }),
    choice('extent', 'Where', [
      ['volume', 'Through all slices'],
      ['slice', 'In this slice only']
    ])
  ];
}

export function grow(place: IEffectPlace, values: Values): Params | Missing {
  const { seed } = place;
  const { tolerance, expand, max_mm } = values;
  const axis = isInSlice(values) ? slice(place).axis : null;
  return seed
    ? { segment: chosen(place), seed, tolerance, axis, expand, max_mm }
    : new Missing(NO_SEED);
}

export function fillFields(place: IEffectPlace): IField[] {
  return [
    number('tolerance', 'Tolerance', null, intensityUnit(place), {
      min: 0,
      empty: 'any intensity',
      help: 'How far an intensity may be from that of the chosen voxel.'
    })
  ];
}

export function fill(place: IEffectPlace, values: Values): Params | Missing {
  const { seed } = place;
  return seed
    ? { segment: chosen(place), seed, tolerance: values.tolerance }
    : new Missing(NO_SEED);
}

// Grow from seeds

export function seedsFields(place: IEffectPlace): IField[] {
  return [
    number('margin_mm', 'Margin around the seeds', 20, units(place).length, {
      ...{ min: 0, max: 500 }
    }),
    number('smoothness', 'Smoothness', 0.5, '', {
      ...{ slides: true, min: 0, max: 1, step: 0.05 }
    })
  ];
}

export function seeds(_place: IEffectPlace, values: Values): Params {
  const { margin_mm, smoothness } = values;
  return { segments: null, margin_mm, smoothness };
}

// Fill between slices

export function betweenFields(): IField[] {
  return [
    choice('plane', 'Slices', [
      ['focused', 'of the plane in use'],
      ['axial', 'Axial'],
      ['sagittal', 'Sagittal'],
      ['coronal', 'Coronal']
    ])
  ];
}

export function between(place: IEffectPlace, values: Values): Params {
  const axis = axisOf(place, values.plane as Plane | 'focused');
  return { segment: chosen(place), axis };
}

// Islands

export function islandsFields(place: IEffectPlace): IField[] {
  const voxel = place.context.scene.volume.info.spacing_mm.reduce(
    (volume, side) => volume * side
  );
  return [
    choice('op', 'What to do', [
      ['keep-largest', 'Keep the largest'],
      ['remove-small', 'Remove small ones'],
      ['split', 'A segment for each'],
      ['keep-clicked', 'Keep the clicked one'],
      ['remove-clicked', 'Remove the clicked one'],
      ['add-clicked', 'Add the clicked one']
    ]),
    number(
      'min_mm3',
      'Smaller than',
      Math.ceil(50 * voxel),
      units(place).volume,
      {
        ...{ min: 0, when: is('op', 'remove-small', 'split') }
      }
    )
  ];
}

export function islands(place: IEffectPlace, values: Values): Params | Missing {
  const op = String(values.op);
  const needsSeed = op.endsWith('-clicked');
  if (needsSeed && !place.seed) {
    return new Missing(NO_SEED);
  }
  const seed = needsSeed ? place.seed : null;
  return { segment: chosen(place), op, min_mm3: values.min_mm3, seed };
}

// Shape

export function marginFields(place: IEffectPlace): IField[] {
  return [
    choice('way', 'What to do', [
      ['grow', 'Grow'],
      ['shrink', 'Shrink']
    ]),
    number('mm', 'By', firstLength(place), units(place).length, {
      min: 0.1,
      max: 500
    })
  ];
}

export function margin(place: IEffectPlace, values: Values): Params {
  const mm = Number(values.mm) * (values.way === 'shrink' ? -1 : 1);
  return { segment: chosen(place), mm };
}

export function smoothFields(place: IEffectPlace): IField[] {
  return [
    choice('method', 'Method', [
      ['median', 'Median: rounds corners'],
      ['open', 'Opening: removes what sticks out'],
      ['close', 'Closing: fills notches'],
      ['gaussian', 'Gaussian: the strongest'],
      ['joint', 'All segments together']
    ]),
    number('mm', 'Radius', firstLength(place), units(place).length, {
      min: 0.1,
      max: 500
    })
  ];
}

export function smooth(place: IEffectPlace, values: Values): Params {
  const { method, mm } = values;
  const segments = method === 'joint' ? null : [chosen(place)];
  return { segments, method, mm };
}

export function hollowFields(place: IEffectPlace): IField[] {
  return [
    number('mm', 'Thickness', firstLength(place), units(place).length, {
      min: 0.1,
      max: 500
    }),
    choice('side', 'The surface becomes', [
      ['inside', 'the outside of the shell'],
      ['outside', 'the inside of the shell'],
      ['middle', 'the middle of the shell']
    ])
  ];
}

export function hollow(place: IEffectPlace, values: Values): Params {
  return { segment: chosen(place), mm: values.mm, side: values.side };
}

// Logic

const TWO = ['copy', 'union', 'intersect', 'subtract'] as const;

export function logicFields(place: IEffectPlace): IField[] {
  const others = place.context.scene.labels.segments.filter(
    ({ id }) => id !== chosen(place)
  );
  return [
    choice('op', 'What to do', [
      ['union', 'Add the other'],
      ['subtract', 'Take the other away'],
      ['intersect', 'Keep what both have'],
      ['copy', 'Become the other'],
      ['invert', 'Invert'],
      ['fill-holes', 'Fill holes'],
      ['clear', 'Clear']
    ]),
    {
      ...{ kind: 'segment', name: 'other', words: 'The other' },
      ...{ value: others[0]?.id ?? null, when: is('op', ...TWO) }
    }
  ];
}

export function logic(place: IEffectPlace, values: Values): Params | Missing {
  const { op } = values;
  const needsOther = is('op', ...TWO)(values);
  const other = needsOther ? values.other : null;
  if (needsOther && (other === null || other === chosen(place))) {
    return new Missing('Choose another segment than the one that is changed.');
  }
  return { segment: chosen(place), other, op };
}

// Model

export function modelFields(place: IEffectPlace): IField[] {
  const { info } = place.context.scene.volume;
  const flat = Math.min(...info.shape) === 1;
  return [
    { kind: 'run', name: 'run', words: 'Model', value: null },
    choice(
      'extent',
      'Where',
      flat
        ? [IN_SLICE]
        : [IN_SLICE, ['slab', 'Slices around this one'], IN_VOLUME]
    ),
    number('half_width', 'Slices to each side', 3, '', {
      ...{ min: 1, max: 200, step: 1, isWhole: true },
      when: is('extent', 'slab')
    })
  ];
}

export function model(place: IEffectPlace, values: Values): Params | Missing {
  const { run, extent, half_width } = values;
  return run
    ? { run, extent, ...slice(place), half_width, segments: null }
    : new Missing(
        'Choose a model: a training that has finished or was stopped.'
      );
}

// Copy from a neighbour slice

export function copyFields(): IField[] {
  return [
    choice('which', 'What', [
      ['chosen', 'This segment'],
      ['all', 'All segments']
    ])
  ];
}

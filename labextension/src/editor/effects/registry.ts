import type { IconName } from '../icons';

import { copiedSlice } from './copy_slice';
import type { IField, Values } from './fields';
import * as ask from './forms';
import type { IEffectPlace, Missing, Params } from './place';
import type { IProposal, ISketch } from './proposal';
import { thresholdSketch } from './threshold_sketch';

/** Works on whole segments, with a preview to accept. */
export interface IEffect {
  readonly id: string;
  /** What the server calls it; empty where the page does it alone. */
  readonly tool: string;
  /** What it is called, before translation. */
  readonly words: string;
  readonly icon: IconName;
  /** As in `input/keys.ts`; empty for none. */
  readonly key: string;
  /** One sentence, before translation. */
  readonly help: string;
  readonly fields: (place: IEffectPlace) => readonly IField[];
  /** A voxel must be chosen by a click, or by numbers. */
  readonly needsSeed?: (values: Values) => boolean;
  /** It looks only at the slice on show, or along its plane: asks again with it. */
  readonly followsSlice?: (values: Values) => boolean;
  /** It works on all segments, whichever is chosen. */
  readonly isForAll?: boolean;
  /** It takes long: asks only when told to. */
  readonly isHeavy?: boolean;
  /** There is more to do with it after one preview was accepted. */
  readonly staysOpen?: boolean;
  /** What to ask the server. */
  readonly request: (place: IEffectPlace, values: Values) => Params | Missing;
  /** Drawn until the server has answered. */
  readonly sketch?: (place: IEffectPlace, values: Values) => ISketch | null;
  /** Done in the page. */
  readonly make?: (place: IEffectPlace, values: Values) => IProposal | Missing;
}

export const EFFECTS: readonly IEffect[] = [
  {
    ...{ id: 'threshold', tool: 'threshold', words: 'Threshold' },
    ...{ icon: 'thresholdRange', key: 'Shift+T' },
    help: 'Labels every voxel whose intensity lies in a range.',
    fields: ask.thresholdFields,
    followsSlice: ask.isInSlice,
    request: ask.threshold,
    sketch: thresholdSketch
  },
  {
    ...{ id: 'grow-3d', tool: 'grow', words: 'Region grow in 3D' },
    ...{ icon: 'grow', key: 'Shift+R' },
    help: 'Spreads from the chosen voxel over intensities like its own.',
    fields: ask.growFields,
    staysOpen: true,
    needsSeed: () => true,
    request: ask.grow
  },
  {
    ...{ id: 'fill-3d', tool: 'fill', words: 'Fill in 3D' },
    ...{ icon: 'fill', key: 'Shift+U' },
    help: 'Fills what is connected to the chosen voxel and labelled as it is.',
    fields: ask.fillFields,
    staysOpen: true,
    needsSeed: () => true,
    request: ask.fill
  },
  {
    ...{ id: 'seeds', tool: 'seeds', words: 'Grow from seeds' },
    ...{ icon: 'seeds', key: 'Shift+G' },
    help: 'Paint some strokes of two or more segments; this grows them until they meet. Paint more where it is wrong, then apply.',
    fields: ask.seedsFields,
    isForAll: true,
    request: ask.seeds
  },
  {
    ...{ id: 'between', tool: 'between', words: 'Fill between slices' },
    ...{ icon: 'between', key: 'Shift+B' },
    help: 'Draw a segment in some slices; this fills the slices between them.',
    fields: ask.betweenFields,
    followsSlice: values => values.plane === 'focused',
    request: ask.between
  },
  {
    ...{ id: 'islands', tool: 'islands', words: 'Islands' },
    ...{ icon: 'islands', key: 'Shift+I' },
    help: 'Keeps, removes or separates the pieces of a segment that do not touch.',
    fields: ask.islandsFields,
    staysOpen: true,
    needsSeed: values => String(values.op).endsWith('-clicked'),
    request: ask.islands
  },
  {
    ...{ id: 'margin', tool: 'margin', words: 'Margin' },
    ...{ icon: 'margin', key: 'Shift+M' },
    help: 'Grows or shrinks a segment by the same distance in all directions.',
    fields: ask.marginFields,
    request: ask.margin
  },
  {
    ...{ id: 'smooth', tool: 'smooth', words: 'Smooth' },
    ...{ icon: 'smooth', key: 'Shift+S' },
    help: 'Rounds the surface of a segment, or of several so that no gaps open between them.',
    fields: ask.smoothFields,
    request: ask.smooth
  },
  {
    ...{ id: 'hollow', tool: 'hollow', words: 'Hollow' },
    ...{ icon: 'hollow', key: 'Shift+H' },
    help: 'Turns a segment into a shell of this thickness.',
    fields: ask.hollowFields,
    request: ask.hollow
  },
  {
    ...{ id: 'logic', tool: 'logic', words: 'Logical operations' },
    ...{ icon: 'logic', key: 'Shift+L' },
    help: 'Combines the segment with another one.',
    fields: ask.logicFields,
    request: ask.logic
  },
  {
    ...{ id: 'model', tool: 'model', words: 'Pre-segment with model' },
    ...{ icon: 'model', key: 'Shift+P' },
    help: 'A model that was trained here draws its segments; accept those that are right.',
    isHeavy: true,
    isForAll: true,
    fields: ask.modelFields,
    followsSlice: values => values.extent !== 'volume',
    request: ask.model
  },
  {
    ...{ id: 'copy-previous', tool: '', words: 'Copy from previous slice' },
    ...{ icon: 'copyPrevious', key: 'Shift+C' },
    help: 'Draws what the previous slice of this plane holds.',
    fields: ask.copyFields,
    staysOpen: true,
    followsSlice: () => true,
    request: () => ({}),
    make: (place, values) => copiedSlice(place, values, -1)
  },
  {
    ...{ id: 'copy-next', tool: '', words: 'Copy from next slice' },
    ...{ icon: 'copyNext', key: 'Shift+V' },
    help: 'Draws what the next slice of this plane holds.',
    fields: ask.copyFields,
    staysOpen: true,
    followsSlice: () => true,
    request: () => ({}),
    make: (place, values) => copiedSlice(place, values, 1)
  }
];

export function effectNamed(id: string): IEffect | undefined {
  return EFFECTS.find(effect => effect.id === id);
}

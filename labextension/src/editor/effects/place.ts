import type { Triple } from '../../server/types';

import type { IEditorContext } from '../context';
import type { Plane } from '../view/geometry';

/** Where an effect looks for what its fields do not say. */
export interface IEffectPlace {
  readonly context: Pick<IEditorContext, 'scene' | 'settings' | 'planes'>;
  /** Voxel that was clicked. */
  readonly seed: Triple | null;
}

export type Params = Record<string, unknown>;

/** What is still needed before there can be a preview: one sentence. */
export class Missing {
  constructor(readonly sentence: string) {}
}

/** Voxel axis that goes through the slices of a plane. */
export function axisOf(
  { context }: IEffectPlace,
  plane: Plane | 'focused'
): number {
  const { planes } = context;
  const view =
    planes.views.find(each => each.plane === plane) ?? planes.focused;
  return view.slice.w;
}

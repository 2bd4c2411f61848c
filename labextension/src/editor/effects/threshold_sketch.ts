import type { Values } from './fields';
import { isInSlice } from './forms';
import { type ISketch, KEEP } from './proposal';
import type { IEffectPlace } from './place';

/** The threshold as it is drawn while its range is dragged: slice by slice, in the page. */
export function thresholdSketch(
  { context }: IEffectPlace,
  values: Values
): ISketch | null {
  const { scene, settings, planes } = context;
  const { volume, labels } = scene;
  if (volume.info.channels !== 1) {
    return null;
  }
  const { segment, overwrites } = settings.values;
  const may = labels.writable({ overwrites, segment, erases: false });
  const within = values.within === null ? -1 : Number(values.within);
  const [low, high] = [Number(values.low), Number(values.high)];
  const box = labels.wholeBox;
  if (isInSlice(values)) {
    const { slice, index } = planes.focused;
    box[2 * slice.w] = index;
    box[2 * slice.w + 1] = index + 1;
  }
  const { data } = volume;
  return {
    tool: 'threshold',
    box,
    labelAt: at => {
      const label = labels.data[at];
      return data[at] >= low &&
        data[at] <= high &&
        may[label] &&
        (within < 0 || label === within)
        ? segment
        : KEEP;
    }
  };
}

import type { IChange } from '../../server/messages';
import type { IMark, ISegment } from '../../server/types';

/*
 * What happened to a list, done again on a list that others changed meanwhile. With
 * `untouchedOnly` (undo, redo) an item that somebody else changed since stays as it is.
 */

/**
 * The change made to `current`: additions, removals, the fields that differ, the order.
 *
 * @param isDrawn - a segment that still has voxels is not taken from the list
 */
export function mergeSegments(
  current: readonly ISegment[],
  change: IChange<ISegment>,
  untouchedOnly = false,
  isDrawn: (id: number) => boolean = () => false
): ISegment[] {
  const before = new Map(change.before.map(item => [item.id, item]));
  const after = new Map(change.after.map(item => [item.id, item]));
  const isRemoved = (item: ISegment) =>
    before.has(item.id) && !after.has(item.id);
  const isKept = (item: ISegment) =>
    !isRemoved(item) ||
    (untouchedOnly && !isSame(item, before.get(item.id))) ||
    isDrawn(item.id);
  if (isSame(current, change.before) && !change.before.some(isDrawnAndGone)) {
    return [...change.after];
  }
  const kept = current.filter(isKept).map(item => {
    const old = before.get(item.id);
    const now = after.get(item.id);
    return old && now ? mergeFields(item, old, now, untouchedOnly) : item;
  });
  const merged = reordered(kept, change, untouchedOnly);
  change.after.forEach((item, at) => {
    if (!before.has(item.id) && !merged.some(({ id }) => id === item.id)) {
      merged.splice(placeAfter(merged, change.after.slice(0, at)), 0, item);
    }
  });
  return merged;

  function isDrawnAndGone(item: ISegment): boolean {
    return isRemoved(item) && isDrawn(item.id);
  }
}

export function mergeMarks(
  current: ReadonlyMap<string, IMark>,
  change: IChange<IMark>,
  untouchedOnly = false
): Map<string, IMark> {
  const merged = new Map(current);
  const before = new Map(change.before.map(mark => [mark.id, mark]));
  const after = new Map(change.after.map(mark => [mark.id, mark]));
  for (const id of new Set([...before.keys(), ...after.keys()])) {
    const mark = merged.get(id);
    const old = before.get(id);
    const now = after.get(id);
    if (!old && now && !mark) {
      merged.set(id, now);
    } else if (old && mark && now) {
      merged.set(id, mergeFields(mark, old, now, untouchedOnly));
    } else if (old && mark && (!untouchedOnly || isSame(mark, old))) {
      merged.delete(id);
    }
  }
  return merged;
}

/** What turns one map of marks into the other; null when they are the same. */
export function marksBetween(
  before: ReadonlyMap<string, IMark>,
  after: ReadonlyMap<string, IMark>
): IChange<IMark> | null {
  const isOther = (mark: IMark, marks: ReadonlyMap<string, IMark>) =>
    !isSame(mark, marks.get(mark.id));
  const change = {
    before: [...before.values()].filter(mark => isOther(mark, after)),
    after: [...after.values()].filter(mark => isOther(mark, before))
  };
  return change.before.length + change.after.length > 0 ? change : null;
}

export function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function mergeFields<T extends object>(
  current: T,
  old: T,
  now: T,
  untouchedOnly: boolean
): T {
  const merged = { ...current };
  for (const key of Object.keys(now) as (keyof T)[]) {
    const isChanged = !isSame(old[key], now[key]);
    if (isChanged && (!untouchedOnly || isSame(current[key], old[key]))) {
      merged[key] = now[key];
    }
  }
  return merged;
}

/** Brings the segments that the change put in another order into that order. */
function reordered(
  kept: ISegment[],
  change: IChange<ISegment>,
  untouchedOnly: boolean
): ISegment[] {
  const ids = (list: readonly ISegment[], among: Set<number>) =>
    list.map(({ id }) => id).filter(id => among.has(id));
  const there = new Set(kept.map(({ id }) => id));
  const known = new Set(ids(change.before, there));
  const common = new Set(ids(change.after, known));
  const old = ids(change.before, common);
  const now = ids(change.after, common);
  const isMoved = !isSame(old, now);
  const isTouched = !isSame(ids(kept, common), old);
  if (!isMoved || (untouchedOnly && isTouched)) {
    return kept;
  }
  const byId = new Map(kept.map(item => [item.id, item]));
  let next = 0;
  // Segments of others stay at their places.
  return kept.map(item =>
    common.has(item.id) ? (byId.get(now[next++]) as ISegment) : item
  );
}

/** Where an item goes so that it comes after the last of `earlier` that is there. */
function placeAfter(
  list: readonly ISegment[],
  earlier: readonly ISegment[]
): number {
  const ids = new Set(earlier.map(({ id }) => id));
  return lastIndexWhere(list, ({ id }) => ids.has(id)) + 1;
}

/** Index of the last item for which `test` holds; -1 without any. */
export function lastIndexWhere<T>(
  list: readonly T[],
  test: (item: T) => boolean
): number {
  let at = list.length - 1;
  while (at >= 0 && !test(list[at])) {
    at--;
  }
  return at;
}

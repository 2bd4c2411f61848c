import { wordsOf } from '../../server/run_lengths';
import type { Box, Labels } from '../../server/voxels';

import { copyBox } from './box';
import { type Edit, eachChange, eachRun, voxelEdit } from './delta';
import type { LabelMap } from './label_map';
import { isSame, marksBetween, mergeMarks, mergeSegments } from './lists';

export interface IRebaseRules {
  /**
   * Change just what still is as the edit left it: an undo must not take back what
   * somebody did later.
   */
  untouchedOnly?: boolean;
  /** Leave voxels of locked segments alone, as the server would. */
  sparesLocked?: boolean;
}

/** An edit made to fit what the map holds now, and what others did to the same places. */
export interface IRebased {
  /** null when nothing is left to change. */
  edit: Edit | null;
  /** Voxels by label that the edit gives: somebody else changed them as well. */
  overlaps: Map<number, number>;
  /** Voxels by label that the edit meant to give: they stay, a lock is on them. */
  locked: Map<number, number>;
  /** Names of segments and marks that somebody else changed as well. */
  items: string[];
}

/**
 * The same edit on top of what the map holds now.
 *
 * Voxels the edit changes get its `after`; the others keep what others drew meanwhile.
 */
export function rebase(
  map: LabelMap,
  edit: Edit,
  rules: IRebaseRules = {}
): IRebased {
  const told: IRebased = {
    edit: null,
    overlaps: new Map(),
    locked: new Map(),
    items: []
  };
  const voxels = edit.box
    ? rebaseVoxels(map, edit, edit.box, rules, told)
    : null;
  const lists: Pick<Edit, 'segments' | 'marks'> = {
    ...rebaseSegments(map, edit, rules, told),
    ...rebaseMarks(map, edit, rules, told)
  };
  if (voxels || lists.segments || lists.marks) {
    const nothing = { ...edit, box: null, before: NOTHING, after: NOTHING };
    const { tool, seg, box, before, after } = voxels ?? nothing;
    told.edit = { tool, seg, box, before, after, ...lists };
  }
  return told;
}

/** `rebase` for whoever wants the edit alone. */
export function rebased(
  map: LabelMap,
  edit: Edit,
  untouchedOnly = false
): Edit | null {
  return rebase(map, edit, { untouchedOnly }).edit;
}

const NOTHING = new Uint8Array(0);

function rebaseVoxels(
  map: LabelMap,
  edit: Edit,
  box: Box,
  rules: IRebaseRules,
  told: IRebased
): Edit | null {
  const locked = rules.sparesLocked ? lockedLabels(map) : null;
  if (!(locked && touches(edit, locked)) && holds(map, box, edit.before)) {
    return edit;
  }
  const current = copyBox(map.data, map.shape, box);
  const next = current.slice();
  let count = 0;
  eachChange(edit, (from, to, before, after) => {
    for (let at = from; at < to; at++) {
      const now = current[at];
      if (now === after || (rules.untouchedOnly && now !== before)) {
        continue;
      }
      if (locked && (locked.has(now) || locked.has(after))) {
        add(told.locked, after, 1);
        continue;
      }
      if (now !== before) {
        add(told.overlaps, after, 1);
      }
      next[at] = after;
      count++;
    }
  });
  return count === 0
    ? null
    : voxelEdit(edit.tool, edit.seg, box, current, next);
}

function rebaseSegments(
  map: LabelMap,
  edit: Edit,
  { untouchedOnly = false }: IRebaseRules,
  told: IRebased
): Pick<Edit, 'segments'> {
  if (!edit.segments) {
    return {};
  }
  const after = mergeSegments(
    map.segments,
    edit.segments,
    untouchedOnly,
    id => map.data.indexOf(id) >= 0
  );
  for (const old of edit.segments.before) {
    const wanted = edit.segments.after.find(({ id }) => id === old.id);
    const now = map.segment(old.id);
    if (!isSame(wanted, old) && !isSame(now, old) && !isSame(now, wanted)) {
      told.items.push((now ?? old).name);
    }
  }
  return isSame(map.segments, after)
    ? {}
    : { segments: { before: map.segments, after } };
}

function rebaseMarks(
  map: LabelMap,
  edit: Edit,
  { untouchedOnly = false }: IRebaseRules,
  told: IRebased
): Pick<Edit, 'marks'> {
  if (!edit.marks) {
    return {};
  }
  for (const old of edit.marks.before) {
    const now = map.marks.get(old.id);
    const wanted = edit.marks.after.find(({ id }) => id === old.id);
    if (!isSame(now, old) && !isSame(now, wanted)) {
      told.items.push((now ?? old).name);
    }
  }
  const marks = marksBetween(
    map.marks,
    mergeMarks(map.marks, edit.marks, untouchedOnly)
  );
  return marks ? { marks } : {};
}

function lockedLabels(map: LabelMap): Set<number> | null {
  const ids = map.segments.filter(({ locked }) => locked).map(({ id }) => id);
  return ids.length > 0 ? new Set(ids) : null;
}

function touches(edit: Edit, labels: ReadonlySet<number>): boolean {
  let does = false;
  eachChange(edit, (_from, _to, before, after) => {
    does ||= labels.has(before) || labels.has(after);
  });
  return does;
}

/** The map holds just these runs in the box. */
function holds(map: LabelMap, box: Box, runs: Uint8Array): boolean {
  const [i0, i1, j0, j1] = box;
  const k0 = box[4];
  const width = i1 - i0;
  const height = j1 - j0;
  const { data } = map;
  const [I, J] = map.shape;
  const words = wordsOf(data);
  let isHeld = true;
  eachRun(runs, (from, to, label) => {
    for (let at = from; isHeld && at < to;) {
      const row = Math.floor(at / width);
      const end = Math.min(to, (row + 1) * width);
      const j = j0 + (row % height);
      const k = k0 + Math.floor(row / height);
      const start = i0 + (at - row * width) + I * (j + J * k);
      if (!isAll(data, words, label, start, start + end - at)) {
        isHeld = false;
        return;
      }
      at = end;
    }
  });
  return isHeld;
}

/** All labels from `from` to `to` are this one; four bytes at a time where that goes. */
function isAll(
  data: Labels,
  words: Uint32Array | null,
  label: number,
  from: number,
  to: number
): boolean {
  const lanes = 4 / data.BYTES_PER_ELEMENT;
  const same = (lanes === 4 ? label * 0x01010101 : label * 0x00010001) >>> 0;
  let at = from;
  while (at < to) {
    if (words && at % lanes === 0) {
      while (at + lanes <= to && words[at / lanes] === same) {
        at += lanes;
      }
    }
    if (at < to && data[at] !== label) {
      return false;
    }
    at++;
  }
  return true;
}

function add(counts: Map<number, number>, label: number, count: number): void {
  counts.set(label, (counts.get(label) ?? 0) + count);
}

import { KEEP } from '../../server/messages';
import type { ISegment } from '../../server/types';
import type { Box } from '../../server/voxels';

import type { IEditorContext } from '../context';
import { copyBox, isEmpty, sizeOf } from '../labels/box';
import { type Edit, segmentsEdit, voxelEdit } from '../labels/delta';
import type { LabelMap } from '../labels/label_map';

export { KEEP };

/** What a tool would do to the labels, shown before it is done. */
export interface IProposal {
  /** Name of the tool in the journal. */
  tool: string;
  box: Box;
  /** Over the box, i fastest: the label a voxel would get, or `KEEP`. */
  labels: Uint16Array;
  /** Segments the tool works on; without them those that `labels` names. */
  segments?: readonly number[];
  /** Segments that would be added. */
  newSegments?: readonly ISegment[];
  /** A sentence of the tool about what it found. */
  message?: string;
}

/**
 * What a tool would do wherever one looks, worked out as it is drawn: for previews that
 * follow the pointer before the whole volume has been gone through.
 */
export interface ISketch {
  tool: string;
  box: Box;
  /** The label that voxel `at` of the map would get, or `KEEP`. */
  labelAt(at: number): number;
}

export type Shown = IProposal | ISketch;

export function isSketch(shown: Shown): shown is ISketch {
  return 'labelAt' in shown;
}

type Place = Pick<IEditorContext, 'scene' | 'session' | 'settings'>;

/** What accepting a proposal changes, in voxels. */
export interface IProposalCount {
  /** By label: voxels it would get and lose. */
  gained: Map<number, number>;
  lost: Map<number, number>;
  /** Voxels that change. */
  changed: number;
  /** Voxels left alone because a segment is locked, hidden, or not to be overwritten. */
  spared: { locked: number; others: number };
}

/**
 * The part of a proposal that may be accepted: voxels of locked segments, and of those
 * that the settings protect, keep what they hold. Counts what is left.
 */
export function allowed(
  place: Pick<Place, 'scene' | 'settings'>,
  proposal: IProposal
): { proposal: IProposal; count: IProposalCount } {
  const map = place.scene.labels;
  const rules = new Rules(place, proposal);
  const labels = proposal.labels.slice();
  const gained = new Uint32Array(65536);
  const lost = new Uint32Array(65536);
  const spared = { locked: 0, others: 0 };
  let changed = 0;
  let mask = rules.maskFor(0);
  let maskOf = 0;
  eachRow(map, proposal.box, (start, at, width) => {
    for (let x = 0; x < width; x++) {
      const after = labels[at + x];
      if (after === KEEP) {
        continue;
      }
      const before = map.data[start + x];
      if (after === before) {
        labels[at + x] = KEEP;
        continue;
      }
      if (after !== maskOf) {
        mask = rules.maskFor(after);
        maskOf = after;
      }
      if (mask[before]) {
        changed++;
        gained[after]++;
        lost[before]++;
      } else {
        labels[at + x] = KEEP;
        if (rules.isLocked(before) || rules.isLocked(after)) {
          spared.locked++;
        } else {
          spared.others++;
        }
      }
    }
  });
  return {
    proposal: { ...proposal, labels },
    count: { gained: counts(gained), lost: counts(lost), changed, spared }
  };
}

/** Shows the part of a proposal that may be accepted; returns what it would change. */
export function propose(
  place: Pick<Place, 'scene' | 'settings'>,
  proposal: IProposal
): IProposalCount {
  const { proposal: shown, count } = allowed(place, proposal);
  place.scene.proposal = shown;
  return count;
}

/**
 * Does what a proposal says as one step of the history, as far as locks allow.
 *
 * @returns false when nothing changed, or a stroke is in the making
 */
export function acceptProposal(place: Place, proposal: IProposal): boolean {
  const { scene, session } = place;
  if (session.isDrawing) {
    return false;
  }
  session.flush();
  const map = scene.labels;
  const { proposal: mine, count } = allowed(place, proposal);
  scene.proposal = null;
  const step: Edit[] = [];
  const added = addedSegments(map, mine);
  if (added.length > 0) {
    const before = map.segments;
    const after = [...before, ...added];
    map.setSegments(after);
    step.push(segmentsEdit(before, after));
  }
  const edit = count.changed > 0 ? write(map, mine) : null;
  if (edit) {
    step.push(edit);
  }
  if (step.length > 0) {
    session.commit(step);
  }
  return step.length > 0;
}

/** The proposal with nothing for these segments, and nothing of what they hold. */
export function without(
  map: LabelMap,
  proposal: IProposal,
  segments: ReadonlySet<number>
): IProposal {
  const labels = proposal.labels.slice();
  eachRow(map, proposal.box, (start, at, width) => {
    for (let x = 0; x < width; x++) {
      const label = labels[at + x];
      if (
        label !== KEEP &&
        segments.has(label === 0 ? map.data[start + x] : label)
      ) {
        labels[at + x] = KEEP;
      }
    }
  });
  return {
    ...proposal,
    labels,
    newSegments: proposal.newSegments?.filter(({ id }) => !segments.has(id))
  };
}

function addedSegments(map: LabelMap, proposal: IProposal): ISegment[] {
  return (proposal.newSegments ?? []).filter(({ id }) => !map.segment(id));
}

/** Writes the proposal into the map; the edit that did it. */
function write(map: LabelMap, proposal: IProposal): Edit | null {
  const box = changedBox(proposal);
  if (!box) {
    return null;
  }
  const before = copyBox(map.data, map.shape, box);
  eachRow(map, proposal.box, (start, at, width) => {
    for (let x = 0; x < width; x++) {
      const label = proposal.labels[at + x];
      if (label !== KEEP) {
        map.data[start + x] = label;
      }
    }
  });
  const after = copyBox(map.data, map.shape, box);
  const segment = (proposal.segments ?? [])[0] ?? 0;
  map.changed.emit({ box, segments: false });
  return voxelEdit(proposal.tool, segment, box, before, after);
}

/** The smallest box around the voxels that a proposal changes; null without any. */
export function changedBox({ box, labels }: IProposal): Box | null {
  const width = box[1] - box[0];
  const height = box[3] - box[2];
  const found: Box = [box[1], box[0], box[3], box[2], box[5], box[4]];
  for (let row = 0, at = 0; at < sizeOf(box); row++, at += width) {
    let first = 0;
    while (first < width && labels[at + first] === KEEP) {
      first++;
    }
    if (first === width) {
      continue;
    }
    let last = width - 1;
    while (labels[at + last] === KEEP) {
      last--;
    }
    const j = box[2] + (row % height);
    const k = box[4] + Math.floor(row / height);
    found[0] = Math.min(found[0], box[0] + first);
    found[1] = Math.max(found[1], box[0] + last + 1);
    found[2] = Math.min(found[2], j);
    found[3] = Math.max(found[3], j + 1);
    found[4] = Math.min(found[4], k);
    found[5] = Math.max(found[5], k + 1);
  }
  return isEmpty(found) ? null : found;
}

/** Which label may become which, by the one rule of `LabelMap.writable`. */
class Rules {
  constructor(
    private readonly _place: Pick<Place, 'scene' | 'settings'>,
    private readonly _proposal: IProposal
  ) {
    const { segments } = _place.scene.labels;
    const added = _proposal.newSegments ?? [];
    this._known = new Set([0, ...[...segments, ...added].map(({ id }) => id)]);
    this._locked = new Set(
      segments.filter(({ locked }) => locked).map(({ id }) => id)
    );
  }

  isLocked(label: number): boolean {
    return this._locked.has(label);
  }

  /** 1 for each label that may become `after`. */
  maskFor(after: number): Uint8Array {
    let mask = this._masks.get(after);
    if (!mask) {
      mask = this._make(after);
      this._masks.set(after, mask);
    }
    return mask;
  }

  private _make(after: number): Uint8Array {
    const map = this._place.scene.labels;
    const { overwrites, segment: chosen } = this._place.settings.values;
    const mask = new Uint8Array(65536);
    if (!this._known.has(after) || !map.isOpen(after, overwrites)) {
      return mask;
    }
    // What the tool works on may change into anything, whatever else is protected.
    const own = this._proposal.segments ?? [chosen];
    own.forEach(segment =>
      unite(mask, map.writable({ overwrites, segment, erases: true }))
    );
    if (after !== 0) {
      const rule = { overwrites, segment: after, erases: false };
      unite(mask, map.writable(rule));
    }
    mask[after] = 0;
    return mask;
  }

  private readonly _known: Set<number>;
  private readonly _locked: Set<number>;
  private readonly _masks = new Map<number, Uint8Array>();
}

/** Sets what is set in `more` too; four labels at a time. */
function unite(mask: Uint8Array, more: Uint8Array): void {
  const words = new Uint32Array(mask.buffer);
  const others = new Uint32Array(more.buffer);
  for (let at = 0; at < words.length; at++) {
    words[at] |= others[at];
  }
}

function counts(byLabel: Uint32Array): Map<number, number> {
  const found = new Map<number, number>();
  for (let label = 0; label < byLabel.length; label++) {
    if (byLabel[label] > 0) {
      found.set(label, byLabel[label]);
    }
  }
  return found;
}

/** Calls with each row of the box: its place in the map and in the box. */
function eachRow(
  map: LabelMap,
  box: Box,
  visit: (start: number, at: number, width: number) => void
): void {
  const [, strideJ, strideK] = map.strides;
  const width = box[1] - box[0];
  let at = 0;
  for (let k = box[4]; k < box[5]; k++) {
    for (let j = box[2]; j < box[3]; j++, at += width) {
      visit(box[0] + j * strideJ + k * strideK, at, width);
    }
  }
}

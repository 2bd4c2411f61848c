import type { Box, Labels } from '../server/frames';

import { clip, copyBox, isEmpty, unionOf } from './box';
import { type Edit, voxelEdit } from './delta';
import type { LabelMap } from './label_map';

// A block is copied when a tool first comes near it: 32 x 32 x 4 voxels.
const BLOCK = [32, 32, 4] as const;

/**
 * Remembers what a tool overwrites while it is at work, and makes one edit of it.
 *
 * A tool calls `touch(box)` before it writes into the box.
 */
export class Stroke {
  constructor(
    private readonly _map: LabelMap,
    private readonly _tool: string,
    private readonly _seg: number
  ) {}

  touch(area: Box): void {
    const box = clip(area, this._map.shape);
    if (isEmpty(box)) {
      return;
    }
    this._box = unionOf(this._box, box);
    const [bi, bj, bk] = BLOCK;
    for (let k = Math.floor(box[4] / bk); k * bk < box[5]; k++) {
      for (let j = Math.floor(box[2] / bj); j * bj < box[3]; j++) {
        for (let i = Math.floor(box[0] / bi); i * bi < box[1]; i++) {
          this._keep(i, j, k);
        }
      }
    }
  }

  /** @returns null when no voxel is different from before the stroke */
  finish(): Edit | null {
    if (!this._box) {
      return null;
    }
    const after = copyBox(this._map.data, this._map.shape, this._box);
    const before = this._before(this._box, after);
    const edit = voxelEdit(this._tool, this._seg, this._box, before, after);
    return isSame(edit.before, edit.after) ? null : edit;
  }

  /** Puts everything back as it was. */
  cancel(): void {
    const { data, strides } = this._map;
    for (const { box, voxels } of this._blocks.values()) {
      eachRow(box, (i, j, k, at, width) => {
        const start = i + j * strides[1] + k * strides[2];
        data.set(voxels.subarray(at, at + width), start);
      });
    }
    if (this._box) {
      this._map.changed.emit({ box: this._box, segments: false });
    }
    this._blocks.clear();
    this._box = null;
  }

  private _keep(i: number, j: number, k: number): void {
    const key = i + 4096 * (j + 4096 * k);
    if (this._blocks.has(key)) {
      return;
    }
    const [bi, bj, bk] = BLOCK;
    const box = clip(
      [i * bi, (i + 1) * bi, j * bj, (j + 1) * bj, k * bk, (k + 1) * bk],
      this._map.shape
    );
    const voxels = copyBox(this._map.data, this._map.shape, box);
    this._blocks.set(key, { box, voxels });
  }

  private _before(area: Box, after: Labels): Labels {
    const before = after.slice();
    const width = area[1] - area[0];
    const height = area[3] - area[2];
    for (const { box, voxels } of this._blocks.values()) {
      const common = clipTo(box, area);
      if (isEmpty(common)) {
        continue;
      }
      const blockWidth = box[1] - box[0];
      const blockHeight = box[3] - box[2];
      for (let k = common[4]; k < common[5]; k++) {
        for (let j = common[2]; j < common[3]; j++) {
          const from =
            common[0] -
            box[0] +
            blockWidth * (j - box[2] + blockHeight * (k - box[4]));
          const to =
            common[0] -
            area[0] +
            width * (j - area[2] + height * (k - area[4]));
          before.set(voxels.subarray(from, from + common[1] - common[0]), to);
        }
      }
    }
    return before;
  }

  private _box: Box | null = null;
  private readonly _blocks = new Map<number, { box: Box; voxels: Labels }>();
}

function eachRow(
  box: Box,
  visit: (i: number, j: number, k: number, at: number, width: number) => void
): void {
  const width = box[1] - box[0];
  let at = 0;
  for (let k = box[4]; k < box[5]; k++) {
    for (let j = box[2]; j < box[3]; j++) {
      visit(box[0], j, k, at, width);
      at += width;
    }
  }
}

function clipTo(box: Box, area: Box): Box {
  return box.map((edge, at) =>
    at % 2 === 0 ? Math.max(edge, area[at]) : Math.min(edge, area[at])
  ) as Box;
}

/** Runs are maximal, so the same labels have the same bytes. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}

import { RunWriter, wordsOf } from '../../server/run_lengths';
import type { Box, Labels } from '../../server/voxels';

import { clip, copyBox, isEmpty, unionOf } from './box';
import type { Edit } from './delta';
import { finished, type Work } from './later';
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

  /**
   * Makes the edit, pausing now and then; the map must stay as it is until then.
   *
   * @returns null when no voxel is different from before the stroke
   */
  *coding(): Work<Edit | null> {
    const { data, shape } = this._map;
    const words = alignedWords(data, shape[0]);
    const box = yield* this._changedBox(words);
    if (!box) {
      return null;
    }
    const [i0, i1, j0, j1, k0, k1] = box;
    const before = new RunWriter();
    const after = new RunWriter();
    for (let k = k0; k < k1; k++) {
      yield;
      let pieces: IPiece[] = [];
      for (let j = j0; j < j1; j++) {
        const row = shape[0] * (j + shape[1] * k);
        after.add(data, words, row + i0, row + i1);
        if (j === j0 || j % BLOCK[1] === 0) {
          pieces = this._pieces(i0, i1, j, k);
        }
        for (const { from, to, block } of pieces) {
          if (block) {
            const start = rowIn(block.box, j, k) - block.box[0];
            before.add(block.voxels, block.words, start + from, start + to);
          } else {
            before.add(data, words, row + from, row + to);
          }
        }
      }
    }
    const runs = { before: before.finish(), after: after.finish() };
    return { tool: this._tool, seg: this._seg, box, ...runs };
  }

  /** Makes the edit at once. */
  finish(): Edit | null {
    return finished(this.coding());
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
    const key = keyOf(i, j, k);
    if (this._blocks.has(key)) {
      return;
    }
    const [bi, bj, bk] = BLOCK;
    const box = clip(
      [i * bi, (i + 1) * bi, j * bj, (j + 1) * bj, k * bk, (k + 1) * bk],
      this._map.shape
    );
    const voxels = copyBox(this._map.data, this._map.shape, box);
    const words = alignedWords(voxels, box[1] - box[0]);
    this._blocks.set(key, { box, voxels, words });
  }

  /** Who holds what was in a row before, from `i0` to `i1`: a block, or still the map. */
  private _pieces(i0: number, i1: number, j: number, k: number): IPiece[] {
    const [bi, bj, bk] = BLOCK;
    const pieces: IPiece[] = [];
    for (let from = i0; from < i1;) {
      const i = Math.floor(from / bi);
      const to = Math.min(i1, bi * (i + 1));
      const key = keyOf(i, Math.floor(j / bj), Math.floor(k / bk));
      const block = this._blocks.get(key) ?? null;
      const last = pieces[pieces.length - 1];
      if (last && !last.block && !block) {
        last.to = to;
      } else {
        pieces.push({ from, to, block });
      }
      from = to;
    }
    return pieces;
  }

  /** The smallest box around the voxels that are different now. */
  private *_changedBox(words: Uint32Array | null): Work<Box | null> {
    const { data, strides } = this._map;
    const lanes = 4 / data.BYTES_PER_ELEMENT;
    const [I, J, K] = this._map.shape;
    const found: Box = [I, 0, J, 0, K, 0];
    let count = 0;
    for (const { box, voxels, words: old } of this._blocks.values()) {
      if (++count % 64 === 0) {
        yield;
      }
      eachRow(box, (i, j, k, at, width) => {
        const start = i + j * strides[1] + k * strides[2];
        const isSame =
          words && old
            ? isEqual(words, start / lanes, old, at / lanes, width / lanes)
            : isEqual(data, start, voxels, at, width);
        if (isSame) {
          return;
        }
        let first = 0;
        while (data[start + first] === voxels[at + first]) {
          first++;
        }
        let last = width - 1;
        while (data[start + last] === voxels[at + last]) {
          last--;
        }
        found[0] = Math.min(found[0], i + first);
        found[1] = Math.max(found[1], i + last + 1);
        found[2] = Math.min(found[2], j);
        found[3] = Math.max(found[3], j + 1);
        found[4] = Math.min(found[4], k);
        found[5] = Math.max(found[5], k + 1);
      });
    }
    return isEmpty(found) ? null : found;
  }

  private _box: Box | null = null;
  private readonly _blocks = new Map<number, IBlock>();
}

/** A part of a row; without a block no tool came near it. */
interface IPiece {
  from: number;
  to: number;
  block: IBlock | null;
}

/** What a block held before the stroke. */
interface IBlock {
  box: Box;
  voxels: Labels;
  words: Uint32Array | null;
}

function keyOf(i: number, j: number, k: number): number {
  return i + 4096 * (j + 4096 * k);
}

/** Place of a row of the box in its copy. */
function rowIn(box: Box, j: number, k: number): number {
  const height = box[3] - box[2];
  return (box[1] - box[0]) * (j - box[2] + height * (k - box[4]));
}

/** The labels in words of four bytes; null when not every row begins with one. */
function alignedWords(labels: Labels, width: number): Uint32Array | null {
  return (width * labels.BYTES_PER_ELEMENT) % 4 === 0 ? wordsOf(labels) : null;
}

function isEqual(
  a: ArrayLike<number>,
  from: number,
  b: ArrayLike<number>,
  at: number,
  count: number
): boolean {
  for (let n = 0; n < count; n++) {
    if (a[from + n] !== b[at + n]) {
      return false;
    }
  }
  return true;
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

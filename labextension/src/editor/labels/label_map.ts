import type { IMark, ISegment, Triple } from '../../server/types';
import type { Box, Labels } from '../../server/voxels';

import { Emitter } from '../emitter';

/** What became different: a box of voxels, the segment list, the marks, or all. */
export interface ILabelChange {
  box: Box | null;
  segments: boolean;
  marks?: boolean;
}

/** What tools may paint over: what is visible and unlocked, background only, or all unlocked. */
export type Overwrites = 'visible' | 'background' | 'everything';

export interface IWriteRule {
  overwrites: Overwrites;
  /** Segment that is drawn or erased. */
  segment: number;
  erases: boolean;
}

/**
 * One integer a voxel of the scan's grid, what the integers stand for, and the marks
 * beside them.
 */
export class LabelMap {
  constructor(
    readonly shape: Triple,
    data?: Labels,
    segments: readonly ISegment[] = [],
    marks: readonly IMark[] = [],
    /** Of the layer. */
    public name = ''
  ) {
    this.data = data ?? new Uint8Array(shape[0] * shape[1] * shape[2]);
    this.segments = [...segments];
    this.marks = new Map(marks.map(mark => [mark.id, mark]));
    this._isBlank = !data;
    this.changed.connect(({ box }) => {
      this._isBlank &&= !box;
    });
  }

  /** No voxel was ever told to be written: nobody need look through all of them. */
  get isBlank(): boolean {
    return this._isBlank;
  }

  /** i fastest, then j, k; 0 is background. */
  data: Labels;
  /** In the order in which they are shown. */
  segments: ISegment[];
  /** By id. */
  marks: ReadonlyMap<string, IMark>;
  readonly changed = new Emitter<ILabelChange>();

  /** Steps to the next voxel along i, j, k. */
  get strides(): Triple {
    return [1, this.shape[0], this.shape[0] * this.shape[1]];
  }

  get wholeBox(): Box {
    const [i, j, k] = this.shape;
    return [0, i, 0, j, 0, k];
  }

  segment(id: number): ISegment | undefined {
    return this.segments.find(segment => segment.id === id);
  }

  labelAt(ijk: Triple): number {
    const [i, j, k] = ijk;
    return this.data[i + this.shape[0] * (j + this.shape[1] * k)];
  }

  replace(
    data: Labels,
    segments: readonly ISegment[],
    marks: readonly IMark[] = []
  ): void {
    this.data = data;
    this.segments = [...segments];
    this.marks = new Map(marks.map(mark => [mark.id, mark]));
    this.changed.emit({ box: this.wholeBox, segments: true, marks: true });
  }

  setSegments(segments: readonly ISegment[]): void {
    this.segments = [...segments];
    this.changed.emit({ box: null, segments: true });
  }

  setMarks(marks: ReadonlyMap<string, IMark>): void {
    this.marks = marks;
    this.changed.emit({ box: null, segments: false, marks: true });
  }

  /**
   * Which labels a tool may overwrite, 1 for yes: the one rule about locks and hidden
   * segments, for every tool, effect and accepted proposal.
   *
   * A locked segment is neither overwritten nor drawn, a hidden one only when `everything`
   * may be overwritten.
   *
   * @param rule - or a label: overwrite just this one (and never a locked one)
   */
  writable(rule?: number | IWriteRule): Uint8Array {
    const mask = new Uint8Array(65536);
    if (typeof rule !== 'object') {
      mask.fill(rule === undefined ? 1 : 0);
      mask[rule ?? 0] = 1;
    } else if (rule.overwrites === 'background') {
      mask[rule.erases ? rule.segment : 0] = 1;
    } else {
      mask.fill(1);
    }
    const overwrites = typeof rule === 'object' ? rule.overwrites : undefined;
    for (const { id } of this.segments) {
      if (!this.isOpen(id, overwrites)) {
        mask[id] = 0;
      }
    }
    if (typeof rule === 'object' && !rule.erases) {
      if (!this.isOpen(rule.segment, overwrites)) {
        mask.fill(0);
      }
    }
    return mask;
  }

  /** Voxels of the segment may be drawn and changed: it is not locked, and not hidden. */
  isOpen(id: number, overwrites: Overwrites = 'everything'): boolean {
    const segment = this.segment(id);
    return (
      !segment ||
      (!segment.locked && (segment.visible || overwrites === 'everything'))
    );
  }

  private _isBlank: boolean;
}

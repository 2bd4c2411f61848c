import type { Triple } from '../../server/types';

import type { ISliceGeometry } from '../view/geometry';
import type { ICursor, IOutline } from '../view/overlay';

/** Slice pixel (x, y), not rounded; pixel centres are integers. */
export type Point = [number, number];

/** Keys held while the pointer does something. Shift pans, so tools look at Alt. */
export interface IModifiers {
  readonly altKey: boolean;
  readonly ctrlKey: boolean;
}

/** What a tool sees of a plane: a `PlaneView`, or a test's stand-in. */
export interface IToolView {
  readonly slice: ISliceGeometry;
  /** The slice on show. */
  readonly index: number;
  /** Screen pixels a millimetre. */
  readonly scale: number;
  /** Voxel index, not rounded, under slice pixel (x, y). */
  ijkAt(x: number, y: number): Triple;
  /** What the tool would touch here; null for nothing. */
  showCursor(cursor: ICursor | null): void;
  /** A line in the making; null for none. */
  showOutline(outline: IOutline | null): void;
}

/**
 * A press that is being moved: by the mouse, one sample after another, or by the
 * keyboard's pointer (Space, arrows, Space).
 */
export interface IDrag {
  move(x: number, y: number, keys?: IModifiers): void;
  end(): void;
  cancel(): void;
}

/**
 * A tool: from presses on a plane to voxels or marks.
 *
 * It is the same for a mouse and for the keyboard. Where it needs several presses it
 * `isBusy` in between; Enter and a double click finish it, Escape drops it, Backspace
 * takes its last piece back.
 */
export interface ITool {
  /** @returns what the moves until the release are for; null when the press was all */
  begin(view: IToolView, at: Point, keys: IModifiers): IDrag | null;
  /** Shows what a press here would do; null when the pointer left. */
  hover?(view: IToolView, at: Point | null): void;
  finish?(): void;
  cancel?(): void;
  back?(): void;
  /** More (or less) of what is previewed. False: there is nothing to adjust. */
  adjust?(steps: number): boolean;
  readonly isBusy?: boolean;
  dispose?(): void;
}

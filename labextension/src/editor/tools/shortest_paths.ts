import type { Work } from '../labels/later';
import type { IEdgeCosts } from './edge_costs';

type Point = [number, number];

const NOWHERE = -1;
const FAR = 0x7fffffff;
const LEFT = 1;
const RIGHT = 2;
const UP = 3;
const DOWN = 4;
/** Corners between two looks at the clock. */
const PIECE = 1024;

/**
 * Cheapest lines from one corner to all others, found outwards as far as asked.
 *
 * Source: E. W. Dijkstra, Numerische Mathematik 1 (1959); with R. B. Dial's buckets (CACM
 * 12, 1969), as the costs are small whole numbers. For the use on images: E. N. Mortensen
 * and W. A. Barrett, SIGGRAPH 1995.
 */
export class ShortestPaths {
  constructor(
    private readonly _costs: IEdgeCosts,
    start: Point
  ) {
    const count = _costs.columns * _costs.rows;
    this._reached = new Int32Array(count).fill(FAR);
    this._next = new Int32Array(count);
    this._before = new Int32Array(count);
    this._from = new Uint8Array(count);
    this._isDone = new Uint8Array(count);
    let buckets = 1;
    while (buckets <= _costs.most + 1) {
      buckets *= 2;
    }
    this._heads = new Int32Array(buckets).fill(NOWHERE);
    this._wrap = buckets - 1;
    this.start = this.at(start);
    this._reached[this.start] = 0;
    this._put(this.start, 0);
  }

  readonly start: number;

  /** Number of a corner. */
  at([x, y]: Point): number {
    return x + this._costs.columns * y;
  }

  /**
   * Goes on until the line to a corner is known.
   *
   * @param until - `performance.now()` at which it stops
   * @returns false when it is not known yet
   */
  reach(target: Point, until = Infinity): boolean {
    const goal = this.at(target);
    while (!this._isDone[goal]) {
      if (!this._settle(PIECE, goal) || performance.now() >= until) {
        break;
      }
    }
    return this._isDone[goal] === 1;
  }

  /** Finds the lines to all corners, pausing now and then. */
  *everywhere(): Work<void> {
    while (this._settle(PIECE, NOWHERE)) {
      yield;
    }
  }

  /** The corners from the start to a corner that has been reached. */
  path(target: Point): Point[] {
    const { columns } = this._costs;
    const found: Point[] = [];
    let at = this.at(target);
    while (true) {
      found.push([at % columns, Math.floor(at / columns)]);
      if (at === this.start) {
        return found.reverse();
      }
      at -= this._offset(this._from[at]);
    }
  }

  /** Cost of the line to a corner that has been reached. */
  costTo(target: Point): number {
    return this._reached[this.at(target)];
  }

  private _offset(from: number): number {
    const { columns } = this._costs;
    return [0, -1, 1, -columns, columns][from];
  }

  /** Settles up to `count` corners; false when none is left. */
  private _settle(count: number, goal: number): boolean {
    const { columns, rows, right, down } = this._costs;
    for (let n = 0; n < count; n++) {
      const at = this._take();
      if (at === NOWHERE) {
        return false;
      }
      this._isDone[at] = 1;
      const x = at % columns;
      const y = (at - x) / columns;
      if (x > 0) {
        this._relax(at, at - 1, right[at - 1], LEFT);
      }
      if (x + 1 < columns) {
        this._relax(at, at + 1, right[at], RIGHT);
      }
      if (y > 0) {
        this._relax(at, at - columns, down[at - columns], UP);
      }
      if (y + 1 < rows) {
        this._relax(at, at + columns, down[at], DOWN);
      }
      if (at === goal) {
        return true;
      }
    }
    return true;
  }

  private _relax(from: number, to: number, cost: number, way: number): void {
    const reached = this._reached[from] + cost;
    const known = this._reached[to];
    if (reached < known && !this._isDone[to]) {
      if (known !== FAR) {
        this._remove(to, known & this._wrap);
      }
      this._reached[to] = reached;
      this._from[to] = way;
      this._put(to, reached & this._wrap);
    }
  }

  private _put(at: number, bucket: number): void {
    const head = this._heads[bucket];
    this._next[at] = head;
    this._before[at] = NOWHERE;
    if (head !== NOWHERE) {
      this._before[head] = at;
    }
    this._heads[bucket] = at;
    this._waiting++;
  }

  private _remove(at: number, bucket: number): void {
    const next = this._next[at];
    const before = this._before[at];
    if (before === NOWHERE) {
      this._heads[bucket] = next;
    } else {
      this._next[before] = next;
    }
    if (next !== NOWHERE) {
      this._before[next] = before;
    }
    this._waiting--;
  }

  /** The nearest corner that is not settled. */
  private _take(): number {
    if (this._waiting === 0) {
      return NOWHERE;
    }
    while (this._heads[this._bucket] === NOWHERE) {
      this._bucket = (this._bucket + 1) & this._wrap;
    }
    const at = this._heads[this._bucket];
    this._remove(at, this._bucket);
    return at;
  }

  private readonly _reached: Int32Array;
  private readonly _next: Int32Array;
  private readonly _before: Int32Array;
  private readonly _from: Uint8Array;
  private readonly _isDone: Uint8Array;
  private readonly _heads: Int32Array;
  private readonly _wrap: number;
  private _bucket = 0;
  private _waiting = 0;
}

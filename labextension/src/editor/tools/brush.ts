import type { Triple } from '../../server/types';
import type { Box } from '../../server/voxels';

import { clip, isEmpty } from '../labels/box';
import type { Ink } from './ink';

/*
 * The brush is a disc or a ball in millimetres; between two pointer samples it paints the
 * capsule that joins them, so a fast stroke has no gaps. A voxel is painted when its
 * centre lies inside.
 */

/** Paints a capsule of discs in the slice that `normal` goes through. */
export function paintDiscs(
  ink: Ink,
  from: Triple,
  to: Triple,
  radius_mm: number,
  spacing: Triple,
  normal: number,
  goesOn = false
): Box {
  return paintCapsule(ink, from, to, radius_mm, spacing, normal, goesOn);
}

/** Paints a capsule of balls. */
export function paintBalls(
  ink: Ink,
  from: Triple,
  to: Triple,
  radius_mm: number,
  spacing: Triple,
  goesOn = false
): Box {
  return paintCapsule(ink, from, to, radius_mm, spacing, null, goesOn);
}

function paintCapsule(
  ink: Ink,
  from: Triple,
  to: Triple,
  radius_mm: number,
  spacing: Triple,
  normal: number | null,
  goesOn: boolean
): Box {
  const shape = ink.map.shape;
  const box = capsuleBox(from, to, radius_mm, spacing, normal, shape);
  if (isEmpty(box)) {
    return box;
  }
  ink.stroke.touch(box);
  // Rows run along i where they can: those voxels lie side by side in memory.
  const x = normal === 0 ? 1 : 0;
  const [y, z] = [0, 1, 2].filter(axis => axis !== x);
  const strides = ink.map.strides;
  const mm = (ijk: Triple, axis: number) => ijk[axis] * spacing[axis];
  const line = new Capsule(
    [mm(from, x), mm(from, y), mm(from, z)],
    [mm(to, x), mm(to, y), mm(to, z)],
    radius_mm
  );
  // Where the stroke was a moment ago all is done: only the crescent is new.
  const start: Triple = [mm(from, x), mm(from, y), mm(from, z)];
  const painted = goesOn ? new Capsule(start, start, radius_mm - 1e-6) : null;
  for (let c = box[2 * z]; c < box[2 * z + 1]; c++) {
    for (let b = box[2 * y]; b < box[2 * y + 1]; b++) {
      if (!line.cross(b * spacing[y], c * spacing[z])) {
        continue;
      }
      const first = Math.max(
        box[2 * x],
        Math.ceil(line.low / spacing[x] - 1e-9)
      );
      const last = Math.min(
        box[2 * x + 1] - 1,
        Math.floor(line.high / spacing[x] + 1e-9)
      );
      const row = b * strides[y] + c * strides[z];
      const paint = (from: number, to: number) => {
        if (to >= from) {
          ink.row(row + from * strides[x], to - from + 1, strides[x]);
        }
      };
      if (painted?.cross(b * spacing[y], c * spacing[z])) {
        paint(first, Math.min(last, Math.ceil(painted.low / spacing[x]) - 1));
        paint(Math.max(first, Math.floor(painted.high / spacing[x]) + 1), last);
      } else {
        paint(first, last);
      }
    }
  }
  return box;
}

function capsuleBox(
  from: Triple,
  to: Triple,
  radius_mm: number,
  spacing: Triple,
  normal: number | null,
  shape: Triple
): Box {
  const edges = [0, 1, 2].flatMap(axis => {
    if (axis === normal) {
      return [from[axis], from[axis] + 1];
    }
    const reach = radius_mm / spacing[axis];
    return [
      Math.ceil(Math.min(from[axis], to[axis]) - reach - 1e-9),
      Math.floor(Math.max(from[axis], to[axis]) + reach + 1e-9) + 1
    ];
  });
  return clip(edges as Box, shape);
}

/** All points within a radius of a line piece. */
class Capsule {
  constructor(
    private readonly _a: Triple,
    private readonly _b: Triple,
    private readonly _radius: number
  ) {
    const d = _b.map((x, axis) => x - _a[axis]) as Triple;
    this._length = Math.hypot(...d);
    const unit = this._length || 1;
    this._d = [d[0] / unit, d[1] / unit, d[2] / unit];
  }

  /** Where the last crossed line enters and leaves, along x. */
  low = 0;
  high = 0;

  /** Crosses the capsule with the line parallel to x through (y, z). */
  cross(y: number, z: number): boolean {
    this.low = Infinity;
    this.high = -Infinity;
    this._crossBall(this._a, y, z);
    if (this._length > 0) {
      this._crossBall(this._b, y, z);
      this._crossTube(y, z);
    }
    return this.low <= this.high;
  }

  private _crossBall(centre: Triple, y: number, z: number): void {
    const square =
      this._radius ** 2 - (y - centre[1]) ** 2 - (z - centre[2]) ** 2;
    // A hair of room, so that a centre right on the rim is inside on both sides.
    if (square >= -1e-9) {
      const half = Math.sqrt(Math.max(0, square));
      this._widen(centre[0] - half, centre[0] + half);
    }
  }

  /** The cylinder around the line piece, without its ends. */
  private _crossTube(y: number, z: number): void {
    const [dx, dy, dz] = this._d;
    const qx = -this._a[0];
    const qy = y - this._a[1];
    const qz = z - this._a[2];
    const along = qx * dx + qy * dy + qz * dz;
    // |q + x e|^2 without its part along d, at most radius^2: a x^2 + 2 b x + c <= 0.
    const a = 1 - dx * dx;
    const b = qx - along * dx;
    const c = qx * qx + qy * qy + qz * qz - along * along - this._radius ** 2;
    let low = -Infinity;
    let high = Infinity;
    if (a > 1e-12) {
      const root = b * b - a * c;
      if (root < 0) {
        return;
      }
      low = (-b - Math.sqrt(root)) / a;
      high = (-b + Math.sqrt(root)) / a;
    } else if (c > 0) {
      return;
    }
    // 0 <= along + x dx <= length
    if (Math.abs(dx) > 1e-12) {
      const s = -along / dx;
      const t = (this._length - along) / dx;
      low = Math.max(low, Math.min(s, t));
      high = Math.min(high, Math.max(s, t));
    } else if (along < 0 || along > this._length) {
      return;
    }
    if (low <= high) {
      this._widen(low, high);
    }
  }

  private _widen(low: number, high: number): void {
    this.low = Math.min(this.low, low);
    this.high = Math.max(this.high, high);
  }

  private readonly _length: number;
  private readonly _d: Triple;
}

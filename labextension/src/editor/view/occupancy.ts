import type { Box } from '../../server/voxels';

import type { LabelMap } from '../labels/label_map';

/**
 * Where there may be labels: which planes along k, and from where to where along i and j.
 *
 * Most of a scan carries none. What lies outside is known to be clear without a look at it,
 * which is what takes the time when a sagittal slice is drawn: its voxels lie far apart.
 */
export class Occupancy {
  constructor(private readonly _map: LabelMap) {
    this._planes = new Uint8Array(_map.shape[2]);
    this._look();
    // Hears of each change before the planes do, as it is the first to listen.
    this._stop = _map.changed.connect(({ box }) => {
      if (box) {
        this._take(box);
      }
    });
  }

  /** Half-open: labels have no i, and no j, outside. */
  readonly extent: [number, number, number, number] = [
    Infinity,
    0,
    Infinity,
    0
  ];

  /** There may be labels in this plane along k. */
  hasPlane(k: number): boolean {
    return this._planes[k] === 1;
  }

  dispose(): void {
    this._stop();
  }

  private _take([i0, i1, j0, j1, k0, k1]: Box): void {
    const [I, J, K] = this._map.shape;
    const isWhole = i1 - i0 === I && j1 - j0 === J && k1 - k0 === K && k0 === 0;
    if (isWhole) {
      this._look();
      return;
    }
    this._planes.fill(1, k0, k1);
    this._widen(i0, i1, j0, j1);
  }

  private _widen(i0: number, i1: number, j0: number, j1: number): void {
    const { extent } = this;
    extent[0] = Math.min(extent[0], i0);
    extent[1] = Math.max(extent[1], i1);
    extent[2] = Math.min(extent[2], j0);
    extent[3] = Math.max(extent[3], j1);
  }

  /** Looks through the whole map: the first row of a plane that has labels decides. */
  private _look(): void {
    const [I, J, K] = this._map.shape;
    const { data } = this._map;
    this._planes.fill(0);
    this.extent.splice(0, 4, Infinity, 0, Infinity, 0);
    if (this._map.isBlank) {
      return;
    }
    for (let k = 0; k < K; k++) {
      const first = I * J * k;
      const last = first + I * J;
      let at = first;
      while (at < last && data[at] === 0) {
        at++;
      }
      if (at < last) {
        this._planes[k] = 1;
        this._widen(0, I, 0, J);
      }
    }
  }

  private readonly _planes: Uint8Array;
  private readonly _stop: () => void;
}

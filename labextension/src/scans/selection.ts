import type { IScan } from '../server/types';
import type { IRow, Rows } from './rows';

/** More at once would be more than a reader can mean, or a cell can hold. */
export const MOST_CHOSEN = 1000;

/** What the keyboard is at, and which scans are chosen. Plain data: no DOM, no signals. */
export class Selection {
  /** Place of the row that keys act on; -1 for none. */
  get active(): number {
    return this._active;
  }

  get chosen(): readonly IScan[] {
    return [...this._chosen.values()];
  }

  has(scan: string): boolean {
    return this._chosen.has(scan);
  }

  /** Makes one row the active one, and the only chosen one. */
  only(row: IRow): void {
    this._chosen.clear();
    if (row.scan) {
      this._chosen.set(row.scan.id, row.scan);
    }
    this._activate(row);
    this._anchor = row.place;
    this._waits = !row.key;
  }

  /** Moves without choosing. */
  moveTo(row: IRow): void {
    this._activate(row);
  }

  /** Takes a row in, or out again. */
  toggle(row: IRow): void {
    this._activate(row);
    this._anchor = row.place;
    if (row.scan && !this._chosen.delete(row.scan.id)) {
      this._take([row.scan]);
    }
  }

  /**
   * Chooses everything from the row chosen last to this one.
   *
   * @returns false when that is more than can be chosen; the first of them are
   */
  async extend(row: IRow, rows: Rows): Promise<boolean> {
    this._activate(row);
    const anchor = this._anchor < 0 ? row.place : this._anchor;
    const from = Math.min(anchor, row.place);
    const to = Math.max(anchor, row.place) + 1;
    return this._range(rows, from, to, row.place < anchor);
  }

  /** Chooses all rows. */
  all(rows: Rows): Promise<boolean> {
    return this._range(rows, 0, rows.count, false);
  }

  /** Takes in more scans, such as those of a group. */
  add(scans: readonly IScan[]): boolean {
    return this._take(scans);
  }

  clear(): void {
    this._chosen.clear();
  }

  /** Follows the active row to where it is now, and its scans to how they are. */
  follow(rows: Rows): void {
    const place = rows.placeOf(this._key);
    if (place >= 0) {
      this._active = place;
    } else {
      this._active = Math.min(this._active, rows.count - 1);
      const row = this._active >= 0 ? rows.row(this._active) : null;
      if (row?.key) {
        // Its row has come, or has gone and this one is in its place.
        this._key = row.key;
        if (row.scan && this._waits) {
          this._chosen.set(row.scan.id, row.scan);
        }
        this._waits = false;
      }
    }
    if (this._chosen.size > 0) {
      for (const scan of rows.loaded()) {
        if (this._chosen.has(scan.id)) {
          this._chosen.set(scan.id, scan);
        }
      }
    }
  }

  /** Forgets who the patients are: their names are no longer to be seen. */
  hideNames(): void {
    for (const [id, scan] of this._chosen) {
      this._chosen.set(id, { ...scan, patient: '', patient_id: '' });
    }
  }

  private _activate(row: IRow): void {
    this._active = row.place;
    this._key = row.key;
    this._waits = false;
  }

  private async _range(
    rows: Rows,
    from: number,
    to: number,
    isBackward: boolean
  ): Promise<boolean> {
    const fits = to - from <= MOST_CHOSEN;
    const first = fits || !isBackward ? from : to - MOST_CHOSEN;
    const last = fits || isBackward ? to : from + MOST_CHOSEN;
    const turn = ++this._turn;
    const scans = await rows.scansOf(first, last);
    if (turn === this._turn) {
      this._chosen.clear();
      this._take(scans);
    }
    return fits;
  }

  private _take(scans: readonly IScan[]): boolean {
    this._turn += 1;
    const room = MOST_CHOSEN - this._chosen.size;
    for (const scan of scans.slice(0, room)) {
      this._chosen.set(scan.id, scan);
    }
    return scans.length <= room;
  }

  private _active = -1;
  private _anchor = -1;
  private readonly _chosen = new Map<string, IScan>();
  private _key = '';
  /** The active row is to be chosen once it comes. */
  private _waits = false;
  /** A later choice is not undone by an earlier one that took longer. */
  private _turn = 0;
}

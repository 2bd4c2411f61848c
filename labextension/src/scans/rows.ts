import type { IScan, IScanGroup } from '../server/types';
import { type FetchRows, Pages } from './pages';

/** Height of one row in CSS pixels, the same in scans.css: the list draws by it. */
export const ROW_HEIGHT = 76;
/** Height of a patient's or a study's row. */
export const GROUP_HEIGHT = 40;
/** So many scans are shown without being asked for. */
const FEW = 30;

/** Neighbours in the list that are alike, so that thousands count as one. */
export interface IRun {
  kind: 'scan' | 'patient' | 'study';
  pages: Pages<IScan> | Pages<IScanGroup>;
  /** Place of the first of them among `pages`. */
  offset: number;
  count: number;
  /** From 1, as ARIA counts. */
  level: number;
  /** Place of the first of them in the whole list, and its distance from the top. */
  place: number;
  top: number;
  /** Place of the row that these are below; -1 for none. */
  parent: number;
}

/** One row of the list, with where it is. */
export interface IRow {
  kind: IRun['kind'];
  /** The scan's id or the group's key; empty until the row has come. */
  key: string;
  scan: IScan | null;
  group: IScanGroup | null;
  isOpen: boolean;
  level: number;
  place: number;
  top: number;
  parent: number;
  /** Place among its siblings from 1, and how many those are. */
  position: number;
  siblings: number;
}

/** What a list asks its rows from. */
export interface ISources {
  scans: (patient?: string, study?: string) => FetchRows<IScan>;
  patients: FetchRows<IScanGroup>;
  studies: (patient: string) => FetchRows<IScanGroup>;
}

interface IBranch {
  key: string;
  /** Where its own row is among its siblings. */
  index: number;
  kind: IRun['kind'];
  pages: Pages<IScan> | Pages<IScanGroup>;
  branches: Map<string, IBranch>;
  close(): void;
}

/**
 * The rows of the list: all scans, or patients that open into studies and these into scans.
 *
 * Only what was opened or looked at is here; places and heights of all rows are known.
 */
export class Rows {
  /**
   * @param _heard - called when rows came, or with why none did
   * @param _opens - keys of groups that open by themselves, as few scans do anyway
   */
  constructor(
    readonly view: 'list' | 'tree',
    private readonly _sources: ISources,
    private readonly _heard: (error?: unknown) => void,
    private readonly _opens: ReadonlySet<string> = new Set()
  ) {
    this._root =
      view === 'list'
        ? this._branch('', -1, 'scan', _sources.scans())
        : this._branch('', -1, 'patient', _sources.patients);
  }

  /** Asks for the first rows. */
  start(): Promise<void> {
    return this._root.pages.start();
  }

  get isKnown(): boolean {
    return this._root.pages.isKnown;
  }

  /** Keys of the groups that are open. */
  get open(): Set<string> {
    const keys = new Set<string>();
    const visit = (branch: IBranch) => {
      branch.branches.forEach(child => {
        keys.add(child.key);
        visit(child);
      });
    };
    visit(this._root);
    return keys;
  }

  get runs(): readonly IRun[] {
    this._runs ??= this._layOut();
    return this._runs;
  }

  /** Rows in the whole list. */
  get count(): number {
    const last = this.runs.at(-1);
    return last ? last.place + last.count : 0;
  }

  /** Height of the whole list in pixels. */
  get height(): number {
    const last = this.runs.at(-1);
    return last ? last.top + last.count * heightOf(last.kind) : 0;
  }

  row(place: number): IRow | null {
    const run = this.runs.find(
      one => place >= one.place && place < one.place + one.count
    );
    return run ? this._rowOf(run, place) : null;
  }

  /** Place of the row at a distance from the top. */
  placeAt(top: number): number {
    const above = this.runs.filter(one => one.top <= top);
    const run = above.at(-1) ?? this.runs[0];
    if (!run) {
      return 0;
    }
    const within = Math.floor((top - run.top) / heightOf(run.kind));
    return run.place + Math.min(Math.max(0, within), run.count - 1);
  }

  /** Where a scan or a group is, if its row has come. */
  placeOf(key: string): number {
    for (const run of key ? this.runs : []) {
      for (const [index, row] of run.pages.loaded()) {
        const within = index - run.offset;
        if (within >= 0 && within < run.count && keyOf(row) === key) {
          return run.place + within;
        }
      }
    }
    return -1;
  }

  /** The scans that are here. */
  *loaded(): Generator<IScan> {
    for (const { pages, kind } of this.runs) {
      if (kind === 'scan') {
        for (const [, scan] of (pages as Pages<IScan>).loaded()) {
          yield scan;
        }
      }
    }
  }

  /** The rows `from` to `to` are in view, the last not included. */
  want(from: number, to: number): void {
    for (const run of this.runs) {
      const first = Math.max(from, run.place);
      const last = Math.min(to, run.place + run.count);
      if (first < last) {
        const shift = run.offset - run.place;
        run.pages.want(first + shift, last + shift);
      }
    }
  }

  /** The scans among the rows `from` to `to`, fetched where they are missing. */
  async scansOf(from: number, to: number): Promise<IScan[]> {
    const scans: IScan[] = [];
    for (const run of this.runs) {
      const first = Math.max(from, run.place) + run.offset - run.place;
      const last = Math.min(to, run.place + run.count) + run.offset - run.place;
      if (run.kind === 'scan' && first < last) {
        scans.push(...(await (run.pages as Pages<IScan>).all(first, last)));
      }
    }
    return scans;
  }

  /** Opens a group, or closes it. */
  setOpen(row: IRow, isOpen: boolean): void {
    const siblings = this._siblingsOf(row);
    if (!row.key || row.kind === 'scan' || !siblings) {
      return;
    }
    if (isOpen && !siblings.branches.has(row.key)) {
      this._openBranch(siblings, row.key, row.position - 1);
    } else if (!isOpen) {
      siblings.branches.get(row.key)?.close();
      siblings.branches.delete(row.key);
    }
    this._runs = null;
    this._heard();
  }

  /** The index has changed: rows stay until the new ones come. */
  refresh(): void {
    const visit = (branch: IBranch) => {
      branch.pages.refresh();
      branch.branches.forEach(visit);
    };
    visit(this._root);
  }

  dispose(): void {
    this._root.close();
  }

  private _branch(
    key: string,
    index: number,
    kind: IRun['kind'],
    fetch: FetchRows<IScan> | FetchRows<IScanGroup>
  ): IBranch {
    const heard = (error?: unknown) => {
      if (error === undefined) {
        this._rowsCame(branch);
      }
      this._heard(error);
    };
    const pages =
      kind === 'scan'
        ? new Pages(fetch as FetchRows<IScan>, heard)
        : new Pages(fetch as FetchRows<IScanGroup>, heard);
    const branches = new Map<string, IBranch>();
    const close = () => {
      pages.dispose();
      branches.forEach(child => child.close());
    };
    const branch: IBranch = { key, index, kind, pages, branches, close };
    return branch;
  }

  private _openBranch(siblings: IBranch, key: string, index: number): void {
    const { studies, scans } = this._sources;
    const branch =
      siblings.kind === 'patient'
        ? this._branch(key, index, 'study', studies(key))
        : this._branch(key, index, 'scan', scans(siblings.key, key));
    siblings.branches.set(key, branch);
    void branch.pages.start();
    this._runs = null;
  }

  /** Finds open groups where they are now, and opens what opens by itself. */
  private _rowsCame(branch: IBranch): void {
    this._runs = null;
    if (branch.kind === 'scan') {
      return;
    }
    const pages = branch.pages as Pages<IScanGroup>;
    const groups = [...pages.loaded()];
    const scans = groups.reduce((sum, [, group]) => sum + group.scans, 0);
    const areFew = groups.length === pages.total && scans <= FEW;
    const met = new Map<string, number>();
    for (const [index, { key }] of groups) {
      met.set(key, index);
      if (
        (areFew || pages.total === 1 || this._opens.has(key)) &&
        !this._offered.has(key)
      ) {
        this._offered.add(key);
        this._openBranch(branch, key, index);
      }
    }
    for (const child of [...branch.branches.values()]) {
      const index = met.get(child.key);
      if (index !== undefined) {
        child.index = index;
      } else if (pages.row(child.index) || child.index >= pages.total) {
        child.close();
        branch.branches.delete(child.key);
      }
    }
  }

  private _layOut(): IRun[] {
    const runs: IRun[] = [];
    let place = 0;
    let top = 0;
    const visit = (branch: IBranch, level: number, parent: number) => {
      const { kind, pages } = branch;
      let offset = 0;
      const lay = (end: number) => {
        const count = end - offset;
        if (count > 0) {
          runs.push({ kind, pages, offset, count, level, place, top, parent });
          place += count;
          top += count * heightOf(kind);
          offset = end;
        }
      };
      const inOrder = [...branch.branches.values()].sort(
        (a, b) => a.index - b.index
      );
      for (const child of inOrder) {
        lay(Math.min(child.index + 1, pages.total));
        visit(child, level + 1, place - 1);
      }
      lay(pages.total);
    };
    visit(this._root, 1, -1);
    return runs;
  }

  private _rowOf(run: IRun, place: number): IRow {
    const index = run.offset + place - run.place;
    const row = run.pages.row(index);
    const isScan = run.kind === 'scan';
    const key = row ? keyOf(row) : '';
    const position = index + 1;
    const siblings = run.pages.total;
    return {
      kind: run.kind,
      key,
      scan: row && isScan ? (row as IScan) : null,
      group: row && !isScan ? (row as IScanGroup) : null,
      isOpen: !isScan && this._isOpen(run, key),
      level: run.level,
      place,
      top: run.top + (place - run.place) * heightOf(run.kind),
      parent: run.parent,
      position,
      siblings
    };
  }

  private _isOpen(run: IRun, key: string): boolean {
    return this._withPages(run.pages)?.branches.has(key) ?? false;
  }

  private _siblingsOf(row: IRow): IBranch | null {
    const run = this.runs.find(
      one => row.place >= one.place && row.place < one.place + one.count
    );
    return run ? this._withPages(run.pages) : null;
  }

  private _withPages(pages: IRun['pages']): IBranch | null {
    const find = (branch: IBranch): IBranch | null => {
      if (branch.pages === pages) {
        return branch;
      }
      for (const child of branch.branches.values()) {
        const found = find(child);
        if (found) {
          return found;
        }
      }
      return null;
    };
    return find(this._root);
  }

  /** Groups that opened by themselves do so once. */
  private readonly _offered = new Set<string>();
  private readonly _root: IBranch;
  private _runs: IRun[] | null = null;
}

export function heightOf(kind: IRun['kind']): number {
  return kind === 'scan' ? ROW_HEIGHT : GROUP_HEIGHT;
}

function keyOf(row: IScan | IScanGroup): string {
  return 'id' in row ? row.id : row.key;
}

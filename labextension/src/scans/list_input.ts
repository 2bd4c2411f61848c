import type { KeyboardEvent, MouseEvent, PointerEvent } from 'react';

import type { IScan } from '../server/types';
import { heightOf, type IRow, type Rows } from './rows';
import type { Selection } from './selection';
import { titleOf } from './words';

/** Keys typed within this time are one word. */
const WORD_MS = 700;

/** What the list asks of the panel around it. */
export interface IListHost {
  readonly rows: Rows;
  readonly selection: Selection;
  open(scan: IScan): void;
  insertLoad(scan: IScan): void;
  insertAnnotate(scan: IScan): void;
  /** Takes all scans of a group into the selection, or out of it. */
  chooseGroup(row: IRow): void;
  drag(scans: readonly IScan[], row: HTMLElement, event: PointerEvent): void;
  /** More was chosen than can be. */
  tooMany(): void;
  update(): void;
}

/** What keys and the mouse do to the list: move, choose, open, close, drag. */
export class ListInput {
  constructor(private readonly _host: IListHost) {}

  /** Where the rows are drawn. */
  list: HTMLElement | null = null;

  /** The keyboard came to the list: it begins at the first row in view. */
  focused(first: number): void {
    const { selection } = this._host;
    if (selection.active < 0 && !this._isPressed) {
      this._goTo(first, {});
    }
  }

  /** The list was scrolled, or has another height: the row somebody went to stays there. */
  moved(): void {
    const { rows, selection } = this._host;
    const row = rows.row(selection.active);
    if (row && this._held !== null) {
      this._held ||= row.key;
      if (row.key === this._held) {
        this._bringIntoView(row);
      }
    }
  }

  /** Somebody scrolls, and may look at other rows than the active one. */
  scrolls(): void {
    this._held = null;
  }

  key(event: KeyboardEvent): void {
    if (event.altKey || !this._keyed(event)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  press(event: MouseEvent, place: number): void {
    const { rows, selection } = this._host;
    const row = rows.row(place);
    this._isPressed = true;
    setTimeout(() => (this._isPressed = false));
    if (!row || doesOf(event)) {
      return;
    }
    const isMany = event.shiftKey || event.ctrlKey || event.metaKey;
    if (isMany) {
      this._goTo(place, event, true);
    } else if (event.button !== 2 || !isChosen(row, selection)) {
      // Of several chosen rows, the press may be the beginning of a drag.
      this._waits = isChosen(row, selection) && selection.chosen.length > 1;
      if (!this._waits) {
        this._goTo(place, {});
      }
    }
  }

  click(event: MouseEvent, place: number): void {
    const row = this._host.rows.row(place);
    const does = doesOf(event);
    if (row && does === 'toggle') {
      this._host.rows.setOpen(row, !row.isOpen);
      this._host.selection.only(row);
    } else if (row?.scan && isAction(does)) {
      this._host[does](row.scan);
    } else if (row && this._waits) {
      this._goTo(place, {});
    }
    this._waits = false;
  }

  doubleClick(event: MouseEvent, place: number): void {
    const row = this._host.rows.row(place);
    if (row && !doesOf(event)) {
      this._open(row);
    }
  }

  grab(event: PointerEvent, place: number, node: HTMLElement): void {
    const { rows, selection } = this._host;
    const row = rows.row(place);
    if (!row?.scan || doesOf(event)) {
      return;
    }
    const scans = selection.has(row.scan.id) ? selection.chosen : [row.scan];
    this._host.drag(scans, node, event);
  }

  private _keyed(event: KeyboardEvent): boolean {
    const { rows, selection } = this._host;
    const row = rows.row(selection.active);
    const isCtrl = event.ctrlKey || event.metaKey;
    const next = this._placeAfter(event.key);
    if (next !== null) {
      this._goTo(next, event);
      return true;
    }
    switch (event.key) {
      case 'Enter':
        return Boolean(row && this._open(row));
      case ' ':
        return Boolean(row && this._toggle(row));
      case 'Escape':
        selection.clear();
        this._host.update();
        return true;
      case 'ArrowRight':
      case 'ArrowLeft':
        return Boolean(row && this._turn(row, event.key === 'ArrowRight'));
      case 'a':
        if (isCtrl) {
          void this._chooseAll();
          return true;
        }
        break;
    }
    return event.key.length === 1 && !isCtrl && this._type(event.key);
  }

  /** The right arrow opens or goes in; the left one closes or goes out. */
  private _turn(row: IRow, isRight: boolean): boolean {
    const { rows } = this._host;
    if (isRight && row.kind !== 'scan' && !row.isOpen) {
      rows.setOpen(row, true);
    } else if (isRight && row.isOpen) {
      this._goTo(row.place + 1, {});
    } else if (!isRight && row.isOpen) {
      rows.setOpen(row, false);
    } else if (!isRight && row.parent >= 0) {
      this._goTo(row.parent, {});
    } else {
      return rows.view === 'tree';
    }
    return true;
  }

  private _open(row: IRow): boolean {
    if (row.scan) {
      if (!row.scan.error) {
        this._host.open(row.scan);
      }
    } else if (row.group) {
      this._host.rows.setOpen(row, !row.isOpen);
    }
    return true;
  }

  private _toggle(row: IRow): boolean {
    if (row.group) {
      this._host.chooseGroup(row);
    } else {
      this._host.selection.toggle(row);
      this._host.update();
    }
    return true;
  }

  /** Goes to the next row, of those that are here, whose name begins with what is typed. */
  private _type(letter: string): boolean {
    const { rows, selection } = this._host;
    const now = Date.now();
    this._typed = now - this._typedAt < WORD_MS ? this._typed + letter : letter;
    this._typedAt = now;
    const word = this._typed.toLowerCase();
    // A first letter goes on to the next row; more of them may mean the same one.
    const start = selection.active + (word.length === 1 ? 1 : 0);
    const near = this._near();
    const places = [
      ...near.filter(place => place >= start),
      ...near.filter(place => place < start)
    ];
    const found = places.find(place => {
      const row = rows.row(place);
      const name = row?.scan ? titleOf(row.scan) : (row?.group?.label ?? '');
      return name.toLowerCase().startsWith(word);
    });
    if (found !== undefined) {
      this._goTo(found, {});
    }
    return true;
  }

  /** Places whose rows may be here: some hundreds around the active one. */
  private _near(): number[] {
    const { rows, selection } = this._host;
    const from = Math.max(0, selection.active - 500);
    const to = Math.min(rows.count, selection.active + 1500);
    return Array.from({ length: to - from }, (_, index) => from + index);
  }

  private async _chooseAll(): Promise<void> {
    const { selection, rows } = this._host;
    if (!(await selection.all(rows).catch(() => true))) {
      this._host.tooMany();
    }
    this._host.update();
  }

  private _goTo(
    place: number,
    keys: { shiftKey?: boolean; ctrlKey?: boolean; metaKey?: boolean },
    isMouse = false
  ): void {
    const { rows, selection } = this._host;
    const row = rows.row(Math.min(Math.max(0, place), rows.count - 1));
    if (!row) {
      return;
    }
    if (keys.shiftKey) {
      void selection
        .extend(row, rows)
        .catch(() => true)
        .then(fits => {
          if (!fits) {
            this._host.tooMany();
          }
          this._host.update();
        });
    } else if (keys.ctrlKey || keys.metaKey) {
      if (!isMouse) {
        selection.moveTo(row);
      } else if (row.group) {
        this._host.chooseGroup(row);
      } else {
        selection.toggle(row);
      }
    } else {
      selection.only(row);
      // Its row may have been on its way: it is chosen once it comes.
    }
    this._held = row.key;
    this._bringIntoView(row);
    this._host.update();
  }

  private _placeAfter(key: string): number | null {
    const { rows, selection } = this._host;
    const height = this.list?.clientHeight ?? 0;
    const page = Math.max(1, Math.floor(height / heightOf('scan')) - 1);
    switch (key) {
      case 'ArrowDown':
        return selection.active + 1;
      case 'ArrowUp':
        return selection.active - 1;
      case 'PageDown':
        return selection.active + page;
      case 'PageUp':
        return selection.active - page;
      case 'Home':
        return 0;
      case 'End':
        return rows.count - 1;
      default:
        return null;
    }
  }

  private _bringIntoView(row: IRow): void {
    const { list } = this;
    if (!list) {
      return;
    }
    const bottom = row.top + heightOf(row.kind);
    if (row.top < list.scrollTop) {
      list.scrollTop = row.top;
    } else if (bottom > list.scrollTop + list.clientHeight) {
      list.scrollTop = bottom - list.clientHeight;
    }
  }

  /** Key of the row that stays in view; empty until that row has come. */
  private _held: string | null = null;
  /** The focus came by a press, which says itself which row is meant. */
  private _isPressed = false;
  private _typed = '';
  private _typedAt = 0;
  /** A press on one of several chosen rows: it is a choice only if nothing is dragged. */
  private _waits = false;
}

function isChosen(row: IRow, selection: Selection): boolean {
  return row.scan !== null && selection.has(row.scan.id);
}

function isAction(
  does: string | undefined
): does is 'open' | 'insertLoad' | 'insertAnnotate' {
  return does === 'open' || does === 'insertLoad' || does === 'insertAnnotate';
}

/** What the pressed button in a row is for. */
function doesOf(event: MouseEvent | PointerEvent): string | undefined {
  const target = event.target instanceof Element ? event.target : null;
  return target?.closest<HTMLElement>('[data-does]')?.dataset.does;
}

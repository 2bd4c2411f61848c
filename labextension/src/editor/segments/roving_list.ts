import { element } from '../dom';

/** One row of a list: made once for its item, then kept up to date. */
export interface IRow<T> {
  readonly node: HTMLElement;
  update(item: T, position: number): void;
}

export interface IRovingListOptions<T> {
  label: string;
  className: string;
  keyOf(item: T): string;
  makeRow(item: T): IRow<T>;
  /** Place in the whole list, where only a part of it is shown. */
  placeOf?(item: T): number;
  /** A key on a row; true when it meant something. */
  onKey?(event: KeyboardEvent, item: T): boolean;
}

/**
 * A list that the Tab key enters once: arrows, Home and End move between its rows, Tab
 * goes on to the controls of the row that has the focus, then out of the list.
 *
 * Rows are kept by key, so that a change to one of hundreds redraws one, and what is
 * being typed or has the focus stays.
 */
export class RovingList<T> {
  constructor(private readonly _options: IRovingListOptions<T>) {
    this.node = element('ul', {
      className: _options.className,
      attributes: { 'aria-label': _options.label, role: 'list' }
    });
    this.node.addEventListener('keydown', event => this._press(event));
    this.node.addEventListener('focusin', ({ target }) => {
      const key = this._keyAt(target);
      if (key !== null) {
        this.enter(key);
      }
    });
  }

  readonly node: HTMLUListElement;

  /** Key of the row that Tab leads to. */
  get entry(): string | null {
    return this._entry;
  }

  show(items: readonly T[]): void {
    this._items = items;
    const keys = new Set(items.map(item => this._options.keyOf(item)));
    const hadFocus = this._keyAt(document.activeElement);
    const place = hadFocus === null ? -1 : this._order.indexOf(hadFocus);
    for (const [key, row] of this._rows) {
      if (!keys.has(key)) {
        row.node.remove();
        this._rows.delete(key);
      }
    }
    let before: ChildNode | null = this.node.firstChild;
    items.forEach((item, position) => {
      const row = this._row(item);
      row.update(item, this._options.placeOf?.(item) ?? position);
      if (row.node === before) {
        before = before.nextSibling;
      } else {
        moveBefore(this.node, row.node, before);
      }
    });
    this._order = [...keys];
    if (this._entry === null || !keys.has(this._entry)) {
      this.enter(this._order[Math.max(0, place)] ?? this._order[0] ?? null);
    } else {
      this.enter(this._entry);
    }
    if (hadFocus !== null && !keys.has(hadFocus)) {
      this._focusPlace(Math.min(Math.max(0, place), items.length - 1));
    }
  }

  /** Makes a row the one that Tab leads to. */
  enter(key: string | null): void {
    const old = this._entry;
    this._entry = key;
    for (const each of new Set([old, key])) {
      const row = each === null ? undefined : this._rows.get(each);
      if (row) {
        setTabIndex(row.node, each === key ? 0 : -1);
      }
    }
  }

  focus(key: string): void {
    this._rows.get(key)?.node.focus();
  }

  /** Scrolls the list, and nothing around it, until the row is in sight. */
  reveal(key: string): void {
    const row = this._rows.get(key)?.node.getBoundingClientRect();
    if (row) {
      const { top, bottom } = this.node.getBoundingClientRect();
      const above = Math.min(0, row.top - top);
      const below = Math.max(0, row.bottom - bottom);
      this.node.scrollTop += above || below;
    }
  }

  rowOf(key: string): IRow<T> | undefined {
    return this._rows.get(key);
  }

  private _row(item: T): IRow<T> {
    const key = this._options.keyOf(item);
    let row = this._rows.get(key);
    if (!row) {
      row = this._options.makeRow(item);
      row.node.dataset.key = key;
      setTabIndex(row.node, -1);
      this._rows.set(key, row);
    }
    return row;
  }

  private _press(event: KeyboardEvent): void {
    const key = this._keyAt(event.target);
    const isTyping =
      event.target instanceof HTMLInputElement && event.target.type !== 'color';
    if (key === null || isTyping) {
      return;
    }
    const place = this._order.indexOf(key);
    const item = this._items[place];
    const onRow = event.target === this._rows.get(key)?.node;
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const moves: Record<string, number> = {
      ArrowDown: place + 1,
      ArrowUp: place - 1,
      Home: 0,
      End: this._items.length - 1
    };
    const goal = isPlain && !event.shiftKey ? moves[event.key] : undefined;
    const isMine =
      goal !== undefined
        ? this._focusPlace(Math.min(Math.max(0, goal), this._items.length - 1))
        : onRow && !!this._options.onKey?.(event, item);
    if (isMine) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private _focusPlace(place: number): boolean {
    const key = this._order[place];
    if (key !== undefined) {
      this.focus(key);
    }
    return true;
  }

  private _keyAt(target: EventTarget | null): string | null {
    const row =
      target instanceof Element && this.node.contains(target)
        ? target.closest('[data-key]')
        : null;
    return row?.getAttribute('data-key') ?? null;
  }

  private readonly _rows = new Map<string, IRow<T>>();
  private _items: readonly T[] = [];
  private _order: string[] = [];
  private _entry: string | null = null;
}

/** Moves a row without losing the focus that lies in it. */
function moveBefore(
  list: HTMLElement,
  node: HTMLElement,
  before: ChildNode | null
): void {
  const focused = node.contains(document.activeElement)
    ? document.activeElement
    : null;
  list.insertBefore(node, before);
  if (focused instanceof HTMLElement) {
    focused.focus();
  }
}

function setTabIndex(row: HTMLElement, index: number): void {
  row.tabIndex = index;
  const controls = row.querySelectorAll<HTMLElement>('button, input, select');
  controls.forEach(control => {
    control.tabIndex = index;
  });
}

import type { Popover } from './popover';

/** A group of a row, and how early it gives way when the row is too narrow. */
export interface IRowGroup {
  node: HTMLElement;
  /** The lowest gives way first. */
  rank: number;
}

/**
 * Keeps a row of groups in one line: what does not fit moves into a panel.
 *
 * The groups themselves move, so their buttons, sliders and choices work there as well.
 */
export class Overflow {
  /** @param row - holds the groups in order, and the panel's button at its end */
  constructor(
    private readonly _row: HTMLElement,
    private readonly _groups: readonly IRowGroup[],
    private readonly _more: Popover,
    private readonly _onChange: () => void
  ) {
    this._observer = new ResizeObserver(() => this.fit());
    this._observer.observe(_row);
    _groups.forEach(({ node }) => this._observer.observe(node));
    _more.button.hidden = true;
  }

  /** Moves groups out until the others fit, or back in where there is room again. */
  fit(): void {
    const row = this._row;
    const width = row.clientWidth;
    if (width === 0) {
      return;
    }
    const { button, content } = this._more;
    // Shown where they belong first: only there have they the width to judge by.
    this._groups.forEach(({ node }) =>
      row.insertBefore(node, this._anchor(node))
    );
    button.hidden = true;
    const away = new Set<HTMLElement>();
    const early = [...this._groups].sort((a, b) => a.rank - b.rank);
    while (row.scrollWidth > width && early.length > 1) {
      const group = early.shift();
      if (group && !group.node.hidden) {
        away.add(group.node);
        button.hidden = false;
        content.append(group.node);
      }
    }
    // In the panel they keep the order of the row.
    const moved = this._groups.map(({ node }) => node);
    content.append(...moved.filter(node => away.has(node)));
    if (away.size === 0) {
      this._more.close();
    }
    this._onChange();
  }

  dispose(): void {
    this._observer.disconnect();
  }

  /** What the group stands before in the row. */
  private _anchor(node: HTMLElement): Node | null {
    const at = this._groups.findIndex(group => group.node === node);
    for (const { node: next } of this._groups.slice(at + 1)) {
      if (next.parentNode === this._row) {
        return next;
      }
    }
    return this._more.button;
  }

  private readonly _observer: ResizeObserver;
}

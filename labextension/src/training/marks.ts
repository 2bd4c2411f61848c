/** What a person or the machine did to a run, and at which step. */
export interface IMark {
  /** A command, or `resumed` (went on from a checkpoint), or `alert`. */
  cmd: string;
  step: number;
  epoch: number;
  /** The run went on from a checkpoint before this: it had no lasting effect. */
  undone: boolean;
  /** Unix seconds. */
  t?: number;
  args?: Record<string, unknown>;
  code?: string;
  message?: string;
}

/** A mark as a chart shows it. */
export interface IChartMark {
  x: number;
  /** One or two characters: the kind must be told without its colour. */
  glyph: string;
  /** What, when and where, in words. */
  text: string;
  isAlert?: boolean;
  isFaint?: boolean;
}

const GLYPHS: Record<string, string> = {
  pause: '‖',
  resume: '▸',
  stop: '■',
  checkpoint: '◆',
  resumed: '↻',
  alert: '!'
};

/** The sign of a mark. */
export function glyphOf(mark: IMark): string {
  if (mark.cmd === 'set') {
    return mark.args && 'epochs' in mark.args ? 'ep' : 'lr';
  }
  return GLYPHS[mark.cmd] ?? '•';
}

/** Marks that would lie over one another on a chart. */
export interface IMarkGroup {
  x: number;
  marks: IChartMark[];
}

/**
 * Puts marks together that are too near to be pointed at one by one.
 *
 * @param xOf - pixels from the left
 * @param gap - pixels that two groups are apart at least
 */
export function groupMarks(
  marks: readonly IChartMark[],
  xOf: (x: number) => number,
  gap: number
): IMarkGroup[] {
  const groups: IMarkGroup[] = [];
  for (const mark of [...marks].sort((a, b) => a.x - b.x)) {
    const last = groups[groups.length - 1];
    if (last && xOf(mark.x) - xOf(last.x) < gap) {
      last.marks.push(mark);
    } else {
      groups.push({ x: mark.x, marks: [mark] });
    }
  }
  return groups;
}

/**
 * The signs of the marks as buttons above a chart: pointed at, or reached with Tab and
 * the arrow keys, each tells its words.
 */
export class MarkRow {
  constructor(host: HTMLElement, label: string) {
    const page = host.ownerDocument;
    this.node = page.createElement('div');
    this.node.className = 'medlab-Marks';
    this.node.setAttribute('role', 'toolbar');
    this.node.setAttribute('aria-label', label);
    this.node.hidden = true;
    this._words = page.createElement('div');
    this._words.className = 'medlab-Chart-readout medlab-Marks-words';
    this._words.hidden = true;
    this.node.addEventListener('keydown', this._onKey);
    host.append(this.node, this._words);
  }

  readonly node: HTMLElement;

  /** Shows these groups; `xOf` tells where, in pixels. */
  show(groups: readonly IMarkGroup[], xOf: (x: number) => number): void {
    this.node.hidden = groups.length === 0;
    while (this._buttons.length > groups.length) {
      this._buttons.pop()?.remove();
    }
    while (this._buttons.length < groups.length) {
      this._buttons.push(this._makeButton());
    }
    this._current = Math.min(this._current, Math.max(0, groups.length - 1));
    groups.forEach(({ x, marks }, i) => {
      const button = this._buttons[i];
      const glyphs = new Set(marks.map(mark => mark.glyph));
      const isAlert = marks.some(mark => mark.isAlert);
      const isFaint = marks.every(mark => mark.isFaint);
      const text = glyphs.size > 1 ? String(marks.length) : marks[0].glyph;
      if (button.textContent !== text) {
        button.textContent = text;
      }
      button.style.left = `${xOf(x)}px`;
      button.tabIndex = i === this._current ? 0 : -1;
      button.setAttribute(
        'aria-label',
        marks.map(each => each.text).join('; ')
      );
      button.classList.toggle('medlab-mod-alert', isAlert);
      button.classList.toggle('medlab-mod-faint', isFaint);
    });
    this._groups = groups;
    if (this._told !== null && !this._buttons.includes(this._told)) {
      this._hush();
    }
  }

  private _makeButton(): HTMLButtonElement {
    const button = this.node.ownerDocument.createElement('button');
    button.type = 'button';
    button.addEventListener('pointerenter', () => this._tell(button));
    button.addEventListener('focus', () => this._tell(button));
    button.addEventListener('click', () => this._tell(button));
    button.addEventListener('pointerleave', () => this._hush());
    button.addEventListener('blur', () => this._hush());
    this.node.append(button);
    return button;
  }

  private _tell(button: HTMLButtonElement): void {
    const group = this._groups[this._buttons.indexOf(button)];
    if (!group) {
      return;
    }
    this._told = button;
    this._words.replaceChildren(
      ...group.marks.map(mark => {
        const entry = this.node.ownerDocument.createElement('div');
        entry.textContent = mark.text;
        return entry;
      })
    );
    const isRight = button.offsetLeft > this.node.clientWidth / 2;
    this._words.classList.toggle('medlab-mod-left', isRight);
    this._words.hidden = false;
  }

  private _hush(): void {
    this._told = null;
    this._words.hidden = true;
  }

  private readonly _onKey = (event: KeyboardEvent): void => {
    const last = this._buttons.length - 1;
    const next = {
      ArrowLeft: Math.max(0, this._current - 1),
      ArrowRight: Math.min(last, this._current + 1),
      Home: 0,
      End: last
    }[event.key];
    if (event.key === 'Escape') {
      this._hush();
    }
    if (next === undefined) {
      return;
    }
    event.preventDefault();
    this._buttons[this._current].tabIndex = -1;
    this._current = next;
    this._buttons[next].tabIndex = 0;
    this._buttons[next].focus();
  };

  private readonly _buttons: HTMLButtonElement[] = [];
  private _current = 0;
  private _groups: readonly IMarkGroup[] = [];
  private _told: HTMLButtonElement | null = null;
  private readonly _words: HTMLElement;
}

import { element } from '../dom';
import { rove } from './roving';

/** A panel that a button opens; Escape, Tab and a press elsewhere close it. */
export class Popover {
  constructor(
    readonly button: HTMLButtonElement,
    label: string,
    /** Where the panel is placed: the button lies in it too. */
    private readonly _host: HTMLElement,
    signal: AbortSignal
  ) {
    this.content.setAttribute('aria-label', label);
    this.content.hidden = true;
    button.setAttribute('aria-expanded', 'false');
    button.addEventListener('click', () =>
      this.isOpen ? this.close() : this.open()
    );
    this._update = rove(this.content);
    this.content.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this.close();
        button.focus();
      }
    });
    this.content.addEventListener('focusout', ({ relatedTarget }) => {
      if (relatedTarget instanceof Node && !this._holds(relatedTarget)) {
        this.close();
      }
    });
    document.addEventListener(
      'pointerdown',
      ({ target }) => {
        if (target instanceof Node && !this._holds(target)) {
          this.close();
        }
      },
      { signal, capture: true }
    );
    signal.addEventListener('abort', () => this.content.remove());
  }

  /** What the panel shows. */
  readonly content = element('div', {
    className: 'medlab-Popover',
    attributes: { role: 'group' }
  });

  get isOpen(): boolean {
    return !this.content.hidden;
  }

  open(): void {
    this._host.append(this.content);
    this.content.hidden = false;
    this.button.setAttribute('aria-expanded', 'true');
    this._place();
    this._update();
    this.content
      .querySelector<HTMLElement>('button[tabindex="0"], input, select')
      ?.focus({ preventScroll: true });
  }

  close(): void {
    this.content.hidden = true;
    this.button.setAttribute('aria-expanded', 'false');
  }

  /** Below the button, inside the host. */
  private _place(): void {
    const host = this._host.getBoundingClientRect();
    const button = this.button.getBoundingClientRect();
    const { style } = this.content;
    const top = button.bottom - host.top + 2;
    style.top = `${top}px`;
    style.maxHeight = `${Math.max(120, host.height - top - 8)}px`;
    const left = button.left - host.left;
    const most = host.width - this.content.offsetWidth - 6;
    style.left = `${Math.max(4, Math.min(left, most))}px`;
  }

  private _holds(node: Node): boolean {
    return this.content.contains(node) || this.button.contains(node);
  }

  private readonly _update: () => void;
}

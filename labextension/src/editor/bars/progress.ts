import { element } from '../dom';

/** Covers the planes while a scan opens, and says so when it cannot be opened. */
export class Progress {
  readonly node = element('div', { className: 'medlab-Editor-progress' });

  /** @param part - how much is here, 0 to 1; null where nobody knows */
  show(words: string, part: number | null): void {
    if (this._words.textContent !== words) {
      this._words.textContent = words;
    }
    if (part === null) {
      this._bar.removeAttribute('value');
    } else {
      this._bar.value = part;
    }
    if (this._bar.parentElement !== this.node) {
      this.node.replaceChildren(this._words, this._bar);
    }
  }

  fail(sentence: string): void {
    this.node.classList.add('medlab-mod-failed');
    this.node.setAttribute('role', 'alert');
    this.node.replaceChildren(element('span', { text: sentence }));
  }

  private readonly _words = element('span', { attributes: { role: 'status' } });
  private readonly _bar = element('progress', { attributes: { max: '1' } });
}

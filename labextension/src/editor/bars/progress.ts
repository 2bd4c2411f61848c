import { element } from '../dom';

/** Covers the planes while a scan opens, and says so when it cannot be opened. */
export class Progress {
  readonly node = element('div', { className: 'medlab-Editor-progress' });

  /** @param part - how much is here, 0 to 1 */
  show(words: string, part: number): void {
    const bar = element('progress', {
      attributes: { max: '1', value: String(part) }
    });
    this.node.replaceChildren(element('span', { text: words }), bar);
  }

  fail(sentence: string): void {
    this.node.classList.add('medlab-mod-failed');
    this.node.setAttribute('role', 'alert');
    this.node.replaceChildren(element('span', { text: sentence }));
  }
}

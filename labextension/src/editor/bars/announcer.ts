import { element } from '../dom';

/** What a sentence is about: the next about the same takes its place. */
export type Topic = 'slice' | 'segment' | 'tool' | 'saving' | 'notice';

/** Milliseconds without news before it is said: scrolling says the last slice only. */
const PAUSE_MS = 350;

/** Tells screen readers what sighted readers see, once they have paused. */
export class Announcer {
  readonly node = element('div', {
    className: 'medlab-Editor-spoken',
    attributes: { role: 'status', 'aria-live': 'polite', 'aria-atomic': 'true' }
  });

  /** Says a sentence unless it was the last said about its topic. */
  say(topic: Topic, sentence: string): void {
    if (!sentence || this._last.get(topic) === sentence) {
      this._waiting.delete(topic);
      return;
    }
    this._waiting.set(topic, sentence);
    window.clearTimeout(this._timer);
    this._timer = window.setTimeout(() => this._speak(), PAUSE_MS);
  }

  /** Takes for said what the reader is told otherwise, such as the name of the focus. */
  know(topic: Topic, sentence: string): void {
    this._waiting.delete(topic);
    this._last.set(topic, sentence);
  }

  dispose(): void {
    window.clearTimeout(this._timer);
  }

  private _speak(): void {
    const sentences = [...this._waiting.values()];
    this._waiting.forEach((sentence, topic) => this._last.set(topic, sentence));
    // A notice may come twice, and is to be heard twice.
    this._last.delete('notice');
    this._waiting.clear();
    this.node.textContent = sentences.join(' ');
  }

  private readonly _waiting = new Map<Topic, string>();
  private readonly _last = new Map<Topic, string>();
  private _timer = 0;
}

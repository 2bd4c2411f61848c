import { iconButton, press } from '../bars/controls';
import { rove } from '../bars/roving';
import type { IEditorContext } from '../context';
import { element } from '../dom';

import { EFFECTS } from './registry';

/** A button for each effect: one stop of the Tab key, arrows go from one to the next. */
export class EffectButtons {
  constructor(
    private readonly _context: IEditorContext,
    start: (effect: string) => void
  ) {
    this.node = element('div', {
      className: 'medlab-Effects-choices',
      attributes: {
        role: 'toolbar',
        'aria-label': _context.trans('Effects')
      }
    });
    for (const { id, icon } of EFFECTS) {
      const button = iconButton(icon, '', () => start(id));
      button.dataset.effect = id;
      this._buttons.set(id, button);
      this.node.append(button);
    }
    this.mark(null);
    this._name();
    // Keys are settings, and may have changed since.
    this.node.addEventListener('pointerenter', () => this._name());
    this.node.addEventListener('focusin', () => this._name());
    rove(this.node);
  }

  readonly node: HTMLElement;

  /** Shows which effect is open. */
  mark(effect: string | null): void {
    this._buttons.forEach((button, id) => press(button, id === effect));
  }

  private _name(): void {
    const { trans, keyOf } = this._context;
    for (const { id, words, help } of EFFECTS) {
      const key = keyOf(`effect-${id}`);
      const name = key ? `${trans(words)} (${key})` : trans(words);
      const button = this._buttons.get(id);
      if (button && button.getAttribute('aria-label') !== name) {
        button.setAttribute('aria-label', name);
        button.title = `${name}\n${trans(help)}`;
      }
    }
  }

  private readonly _buttons = new Map<string, HTMLButtonElement>();
}

import { NOT_YET } from '../context';
import { element } from '../dom';
import { icon } from '../icons';
import type { IAction, IActionTarget } from '../input/actions';
import type { Translate } from '../translate';

/** Makes a button of each action, and keeps all of them as the editor is. */
export class ActionButtons {
  /**
   * @param run - does an action by name
   * @param keyOf - the key of an action in words; empty without one
   */
  constructor(
    private readonly _target: IActionTarget,
    private readonly _run: (action: string) => void,
    private readonly _keyOf: (action: string) => string,
    private readonly _trans: Translate
  ) {}

  make(action: IAction): HTMLButtonElement {
    const words = this._trans(action.words);
    const key = element('kbd', { className: 'medlab-Action-key' });
    const button = element(
      'button',
      {
        className: 'medlab-Editor-button medlab-Action',
        attributes: { type: 'button', 'data-action': action.id }
      },
      [
        ...(action.icon ? [icon(action.icon)] : []),
        element('span', { className: 'medlab-Action-words', text: words }),
        key
      ]
    );
    button.addEventListener('click', () => this._run(action.id));
    this._made.push({ action, button, key, words });
    return button;
  }

  /** Pressed, enabled, and the key in the tooltip. */
  update(): void {
    for (const { action, button, key, words } of this._made) {
      if (action.isOn) {
        const isOn = String(action.isOn(this._target));
        setAttribute(button, 'aria-pressed', isOn);
      }
      const isWaiting = !!action.draws && !this._target.context.isReady();
      const isEnabled =
        !isWaiting && (action.isEnabled?.(this._target) ?? true);
      if (button.disabled === isEnabled) {
        button.disabled = !isEnabled;
      }
      const pressed = this._keyOf(action.id);
      if (key.textContent !== pressed) {
        key.textContent = pressed;
      }
      const title = pressed ? `${words} (${pressed})` : words;
      setAttribute(button, 'aria-label', title);
      const reason = isWaiting ? `\n${this._trans(NOT_YET)}` : '';
      setAttribute(button, 'title', title + reason);
    }
  }

  private readonly _made: {
    action: IAction;
    button: HTMLButtonElement;
    key: HTMLElement;
    words: string;
  }[] = [];
}

/** Writes only what differs: screen readers hear of every write. */
function setAttribute(node: Element, name: string, value: string): void {
  if (node.getAttribute(name) !== value) {
    node.setAttribute(name, value);
  }
}

import { type IKeyTarget, pressKey } from './keyboard';
import type { Settings } from '../settings';

/** Hears the keys pressed inside an editor, and tells JupyterLab which are not its own. */
export class KeyListener {
  /** @param signal - ends the listening */
  constructor(
    private readonly _node: HTMLElement,
    private readonly _target: IKeyTarget,
    private readonly _settings: Settings,
    private readonly _isReady: () => boolean,
    signal: AbortSignal
  ) {
    // JupyterLab listens on the document, before us: tell it which keys are ours.
    window.addEventListener('keydown', event => this._claim(event), {
      signal,
      capture: true
    });
    _node.addEventListener('keydown', event => this._press(event), { signal });
    _node.addEventListener(
      'keyup',
      event => {
        this._isSpaceDown &&= event.key !== ' ';
      },
      { signal }
    );
  }

  get isSpaceDown(): boolean {
    return this._isSpaceDown;
  }

  private _claim(event: KeyboardEvent): void {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const isHistory = ['z', 'y'].includes(event.key.toLowerCase());
    this._node.toggleAttribute(
      'data-lm-suppress-shortcuts',
      isPlain || isHistory
    );
  }

  private _press(event: KeyboardEvent): void {
    const { target } = event;
    const isTyping =
      target instanceof HTMLElement &&
      target.matches('input:not([type="range"]), select, textarea');
    if (isTyping) {
      return;
    }
    const isButton = target instanceof HTMLButtonElement;
    if (event.key === ' ' && !isButton) {
      this._isSpaceDown = true;
      event.preventDefault();
      return;
    }
    const isClick = isButton && event.key === 'Enter';
    if (
      this._isReady() &&
      !isClick &&
      pressKey(event, this._target, this._settings)
    ) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private _isSpaceDown = false;
}

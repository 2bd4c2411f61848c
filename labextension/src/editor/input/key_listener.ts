import type { IAction } from './actions';
import { keyOf } from './keys';

/** Where keys go to. */
export interface IKeyTarget {
  actionOf(key: string): IAction | undefined;
  /** @returns false when the key meant nothing just now */
  press(action: IAction): boolean;
  /** The keyboard's pointer is shown: Space presses there, and does not pan. */
  readonly hasPointer: boolean;
  /** The mouse is over a plane: Space held with it pans. */
  readonly isMouseInPlane: boolean;
}

/** Hears the keys pressed inside an editor, and tells JupyterLab which are its own. */
export class KeyListener {
  /** @param signal - ends the listening */
  constructor(
    private readonly _node: HTMLElement,
    private readonly _target: IKeyTarget,
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

  /** Space is held for panning. */
  get isSpaceDown(): boolean {
    return this._isSpaceDown;
  }

  /** Keys without Ctrl write, or are ours; of the others, those that have an action. */
  private _claim(event: KeyboardEvent): void {
    const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const isOurs = this._target.actionOf(keyOf(event)) !== undefined;
    const isHistory = ['z', 'y'].includes(event.key.toLowerCase());
    this._node.toggleAttribute(
      'data-lm-suppress-shortcuts',
      isPlain || isOurs || isHistory
    );
  }

  private _press(event: KeyboardEvent): void {
    const key = keyOf(event);
    if (!key || event.defaultPrevented) {
      return;
    }
    if (isOfTheControl(event, key)) {
      // A notebook takes arrows and Enter from all that is focused and no text.
      if (!event.ctrlKey && !event.metaKey && !event.altKey) {
        event.stopPropagation();
      }
      return;
    }
    const isInPlane =
      event.target instanceof Element &&
      event.target.closest('.medlab-Plane') !== null;
    if (key === 'Space' && isInPlane && !this._presses) {
      this._isSpaceDown = true;
      event.preventDefault();
      return;
    }
    const action = this._target.actionOf(key);
    // What belongs to a place in a plane means nothing on a button.
    if (
      !action ||
      (action.group === 'pointer' && !isInPlane && key === 'Space')
    ) {
      return;
    }
    if (event.repeat && action.id === 'tap') {
      event.preventDefault();
      return;
    }
    if (this._target.press(action)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  private get _presses(): boolean {
    return this._target.hasPointer || !this._target.isMouseInPlane;
  }

  private _isSpaceDown = false;
}

const SLIDER_KEYS = [
  ...['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'],
  ...['Home', 'End', 'PageUp', 'PageDown']
];

/** The focused control needs the key itself: text is typed, a button pressed. */
function isOfTheControl({ target }: KeyboardEvent, key: string): boolean {
  if (!(target instanceof HTMLElement)) {
    return false;
  }
  if (target instanceof HTMLInputElement && target.type === 'range') {
    return SLIDER_KEYS.includes(key);
  }
  if (target.matches('input[type="checkbox"], input[type="color"], summary')) {
    return ['Space', 'Enter'].includes(key);
  }
  if (target.matches('input, select, textarea, [contenteditable]')) {
    return true;
  }
  return target.matches('button, a') && ['Space', 'Enter'].includes(key);
}

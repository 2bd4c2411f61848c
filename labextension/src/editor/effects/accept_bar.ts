import { textButton } from '../bars/controls';
import { element } from '../dom';
import type { Translate } from '../translate';

/** A preview that is quicker than this is not announced. */
const PATIENCE_MS = 300;

export interface IAcceptActions {
  apply(): void;
  discard(): void;
}

/** Below the planes: what a preview would do, and whether to do it. */
export class AcceptBar {
  constructor(actions: IAcceptActions, trans: Translate) {
    this._trans = trans;
    const apply = textButton(trans('Apply'), trans('Apply (Enter)'), () =>
      actions.apply()
    );
    apply.classList.add('medlab-mod-primary');
    apply.dataset.action = 'apply';
    this._apply = apply;
    this._discard = textButton(
      trans('Discard'),
      trans('Discard (Escape)'),
      () => actions.discard()
    );
    this._discard.dataset.action = 'discard';
    this.node = element(
      'div',
      {
        className: 'medlab-AcceptBar',
        attributes: { role: 'group', 'aria-label': trans('Preview') }
      },
      [
        this._words,
        this._progress,
        element('span', { className: 'medlab-AcceptBar-buttons' }, [
          this._apply,
          this._discard
        ])
      ]
    );
    this.hide();
  }

  readonly node: HTMLElement;

  /** @param words - what applying it does */
  show(words: string): void {
    this._stopWaiting();
    this._say(words);
    this._progress.hidden = true;
    this._apply.hidden = false;
    this._discard.textContent = this._trans('Discard');
    this.node.hidden = false;
  }

  /** Shows, unless it is over soon, that the tool is at work. */
  wait(progress: number | null, message: string): void {
    const show = () => {
      this._say(message || this._trans('Working it out…'));
      this._apply.hidden = true;
      this._discard.textContent = this._trans('Cancel');
      this._progress.hidden = false;
      this.node.hidden = false;
    };
    if (progress === null) {
      this._progress.removeAttribute('value');
    } else {
      this._progress.value = progress;
    }
    if (this._isWaiting) {
      if (!this._timer) {
        show();
      }
      return;
    }
    this._isWaiting = true;
    this._timer = setTimeout(() => {
      this._timer = undefined;
      show();
    }, PATIENCE_MS);
  }

  hide(): void {
    this._stopWaiting();
    this.node.hidden = true;
    this._words.textContent = '';
  }

  dispose(): void {
    this._stopWaiting();
    this.node.remove();
  }

  private _say(words: string): void {
    if (this._words.textContent !== words) {
      this._words.textContent = words;
      this._words.title = words;
    }
  }

  private _stopWaiting(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    this._isWaiting = false;
  }

  private readonly _trans: Translate;
  private readonly _words = element('span', {
    className: 'medlab-AcceptBar-words',
    attributes: { role: 'status', 'aria-live': 'polite' }
  });
  private readonly _progress = element('progress', {
    attributes: { max: '1' }
  });
  private readonly _apply: HTMLButtonElement;
  private readonly _discard: HTMLButtonElement;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isWaiting = false;
}

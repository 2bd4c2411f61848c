import { textButton } from '../bars/controls';
import { element } from '../dom';
import type { Translate } from '../translate';

/** A preview that is quicker than this is not announced. */
const PATIENCE_MS = 300;

/** What the bar's two buttons do. */
export type Primary = 'apply' | 'preview';
export type Secondary = 'discard' | 'cancel' | 'close';

export interface IBarContent {
  words: string;
  /** In full where the words are shortened. */
  title?: string;
  /** A second sentence, of the tool itself. */
  detail?: string;
  /** Something went wrong. */
  isAlert?: boolean;
  primary?: Primary;
  secondary: Secondary;
}

const PRIMARY: Record<Primary, [string, string]> = {
  apply: ['Apply', 'Apply (Enter)'],
  preview: ['Preview', 'Ask for the preview (Enter)']
};

const SECONDARY: Record<Secondary, [string, string]> = {
  discard: ['Discard', 'Discard (Escape)'],
  cancel: ['Cancel', 'Stop working on it'],
  close: ['Close', 'Close the effect (Escape)']
};

/** Over the foot of the planes: what a preview would do, and whether to do it. */
export class AcceptBar {
  constructor(
    private readonly _trans: Translate,
    press: (button: Primary | Secondary) => void
  ) {
    this._primary = textButton('', '', () => press(this._content.primary!));
    this._primary.classList.add('medlab-mod-primary');
    this._secondary = textButton('', '', () => press(this._content.secondary));
    this.node = element(
      'div',
      {
        className: 'medlab-AcceptBar',
        attributes: { role: 'group', 'aria-label': _trans('Preview') }
      },
      [
        element('span', { className: 'medlab-AcceptBar-text' }, [
          this._words,
          this._detail
        ]),
        this._progress,
        element('span', { className: 'medlab-AcceptBar-buttons' }, [
          this._primary,
          this._secondary
        ])
      ]
    );
    this.hide();
  }

  readonly node: HTMLElement;

  show(content: IBarContent): void {
    this._stopWaiting();
    this._progress.hidden = true;
    this._put(content);
  }

  /** Shows, unless it is over soon, that the tool is at work. */
  wait(progress: number | null, message: string): void {
    const show = () => {
      const words = message || this._trans('Working it out…');
      this._progress.hidden = false;
      this._progress.setAttribute('aria-label', words);
      this._put({ words, secondary: 'cancel' });
    };
    if (progress === null) {
      this._progress.removeAttribute('value');
    } else {
      this._progress.value = progress;
    }
    this._show = show;
    if (this._timer === undefined && !this._isWaiting) {
      this._timer = setTimeout(() => {
        this._timer = undefined;
        this._show();
      }, PATIENCE_MS);
    } else if (this._timer === undefined) {
      show();
    }
    this._isWaiting = true;
  }

  hide(): void {
    this._stopWaiting();
    this.node.hidden = true;
    this._words.textContent = '';
    this._detail.textContent = '';
  }

  dispose(): void {
    this._stopWaiting();
    this.node.remove();
  }

  private _put(content: IBarContent): void {
    this._content = content;
    const { words, title = words, detail = '', isAlert = false } = content;
    this._words.setAttribute('role', isAlert ? 'alert' : 'status');
    this.node.classList.toggle('medlab-mod-failed', isAlert);
    // Written once, so that it is read aloud once.
    if (this._words.textContent !== words) {
      this._words.textContent = words;
    }
    this._words.title = title;
    this._detail.textContent = detail;
    const { primary, secondary } = content;
    this._primary.hidden = !primary;
    if (primary) {
      this._name(this._primary, primary, ...PRIMARY[primary]);
    }
    this._name(this._secondary, secondary, ...SECONDARY[secondary]);
    this.node.hidden = false;
  }

  private _name(
    button: HTMLButtonElement,
    action: string,
    words: string,
    title: string
  ): void {
    button.dataset.action = action;
    button.textContent = this._trans(words);
    button.title = this._trans(title);
    button.setAttribute('aria-label', button.title);
  }

  private _stopWaiting(): void {
    clearTimeout(this._timer);
    this._timer = undefined;
    this._isWaiting = false;
  }

  private readonly _words = element('span', {
    className: 'medlab-AcceptBar-words',
    attributes: { role: 'status', 'aria-live': 'polite' }
  });
  private readonly _detail = element('span', {
    className: 'medlab-AcceptBar-detail'
  });
  private readonly _progress = element('progress', {
    attributes: { max: '1' }
  });
  private readonly _primary: HTMLButtonElement;
  private readonly _secondary: HTMLButtonElement;
  private _content: IBarContent = { words: '', secondary: 'close' };
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isWaiting = false;
  private _show: () => void = () => undefined;
}

import type { IEditorContext } from '../context';
import { element } from '../dom';
import { icon } from '../icons';
import type { ITrouble, TroubleKind } from '../labels/trouble';
import type { IConflict } from '../labels/waiting';
import { iconButton, textButton } from './controls';
import { downloadLabels } from './download';

/** The server may be away this long before the banner says so. */
const PATIENCE_MS = 8000;
const MOST_NOTICES = 4;

const WORDS: Record<TroubleKind, string> = {
  offline:
    'The server does not answer. What you draw is kept in this browser and goes to disk once it is back.',
  login:
    'Your login has expired. What you draw is kept in this browser: log in again, and it goes to disk.',
  disk: 'What you draw does not get to the server’s disk.',
  refused: 'The server does not take what you draw.',
  damaged: 'The labels on the server’s disk are damaged.',
  browser:
    'This browser keeps nothing for a page that is closed (a private window, or its storage is full). What is not on disk yet would be lost with this page.'
};

const NOT_KEPT =
  'This browser does not keep it either: leave this page open, or download a copy.';

/** Says above the planes what is wrong with saving, and offers what can be done. */
export class SaveBanner {
  constructor(private readonly _context: IEditorContext) {
    const { session, signal } = _context;
    this._stop = [
      session.changed.connect(() => this.update()),
      session.conflicted.connect(told => this._showConflicts(told))
    ];
    signal.addEventListener('abort', () => this.dispose());
    // Back from the login in the other tab.
    window.addEventListener('focus', () => session.trouble && session.retry(), {
      signal
    });
    this.node.append(this._trouble, this._notices);
    this.update();
  }

  readonly node = element('div', { className: 'medlab-Banner' });

  update(): void {
    const { session } = this._context;
    const { trouble } = session;
    const isShown =
      trouble !== null &&
      !(trouble.kind === 'browser' && this._isBrowserToldOf) &&
      !(trouble.kind === 'offline' && this._isNew());
    if (!trouble) {
      this._since = null;
      clearTimeout(this._timer);
    }
    const key = isShown
      ? JSON.stringify([trouble, session.waiting > 0, session.place])
      : '';
    if (key === this._key) {
      return;
    }
    this._key = key;
    this._trouble.hidden = !isShown;
    this._trouble.dataset.kind = trouble?.kind ?? '';
    this._trouble.replaceChildren(...(isShown ? this._rows(trouble) : []));
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
    clearTimeout(this._timer);
    this.node.remove();
  }

  /** A pause of the server, as in a restart, is no news. */
  private _isNew(): boolean {
    this._since ??= Date.now();
    const left = this._since + PATIENCE_MS - Date.now();
    clearTimeout(this._timer);
    if (left > 0) {
      this._timer = setTimeout(() => this.update(), left + 10);
    }
    return left > 0;
  }

  private _rows(trouble: ITrouble): Node[] {
    const { trans, session } = this._context;
    const { kind, message } = trouble;
    const isGentle = kind === 'offline' || kind === 'login';
    const words = [trans(WORDS[kind])];
    if (message && !isGentle) {
      words.push(message);
    }
    if (session.place === 'page' && session.waiting > 0) {
      words.push(trans(NOT_KEPT));
    }
    return [
      icon(isGentle ? 'cloud' : 'warning'),
      element('span', {
        className: 'medlab-Banner-words',
        text: words.join(' '),
        attributes: { role: 'alert' }
      }),
      element('span', { className: 'medlab-Banner-actions' }, [
        ...this._actions(trouble)
      ])
    ];
  }

  private _actions({ kind, lastGoodRev }: ITrouble): HTMLElement[] {
    const { trans, server, session } = this._context;
    const buttons: HTMLElement[] = [];
    if (kind === 'damaged') {
      const words =
        lastGoodRev === null
          ? trans('Open the last good state')
          : trans('Open the last good state (revision %1)', lastGoodRev);
      const tip = trans('The damaged files are kept beside it.');
      buttons.push(textButton(words, tip, () => void this._recover()));
    }
    if (kind === 'login' && server.loginUrl) {
      buttons.push(
        element('a', {
          className: 'medlab-Editor-button medlab-mod-text',
          text: trans('Log in'),
          title: trans(
            'Opens the login in a new tab; come back here after it.'
          ),
          attributes: { href: server.loginUrl, target: '_blank', rel: 'opener' }
        })
      );
    }
    if (kind !== 'browser' && kind !== 'damaged') {
      const tip = trans('Send what waits again now');
      buttons.push(textButton(trans('Try again'), tip, () => session.retry()));
    }
    if (session.isKept) {
      buttons.push(this._download());
    }
    if (kind === 'browser') {
      buttons.push(
        iconButton('close', trans('Close'), () => {
          this._isBrowserToldOf = true;
          this.update();
        })
      );
    }
    return buttons;
  }

  private _download(): HTMLElement {
    const { trans, notify } = this._context;
    return textButton(
      trans('Download a copy'),
      trans('A .seg.nrrd file, made in this browser: no server is needed'),
      () =>
        void downloadLabels(this._context).catch((error: unknown) =>
          notify(
            trans('The copy could not be made: %1', String(error)),
            'alert'
          )
        )
    );
  }

  private async _recover(): Promise<void> {
    const { session, trans, notify } = this._context;
    try {
      await session.recover();
      notify(trans('This is the last good state, revision %1.', session.rev));
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), 'alert');
    }
  }

  private _showConflicts(told: readonly IConflict[]): void {
    const { trans } = this._context;
    for (const conflict of told) {
      const words = element('span', {
        className: 'medlab-Banner-words',
        text: this._sentence(conflict),
        attributes: { role: 'alert' }
      });
      const row = element(
        'div',
        {
          className: 'medlab-Banner-row',
          attributes: { 'data-kind': 'conflict' }
        },
        [icon('warning'), words]
      );
      row.append(iconButton('close', trans('Close'), () => row.remove()));
      this._notices.prepend(row);
    }
    while (this._notices.childElementCount > MOST_NOTICES) {
      this._notices.lastElementChild?.remove();
    }
  }

  private _sentence({ kind, names, voxels, to }: IConflict): string {
    const { trans } = this._context;
    const quoted = names.map(name => `“${name || trans('background')}”`);
    const who = quoted.join(', ');
    switch (kind) {
      case 'overlap':
        return trans(
          'Somebody else drew at the same place: %1 voxels now show your %2. Undo brings theirs back; the journal keeps both.',
          ...[voxels, who]
        );
      case 'locked':
        return trans(
          'Somebody else locked %2: %1 voxels of your last edit were left out.',
          ...[voxels, who]
        );
      case 'item':
        return trans(
          'Somebody else changed %1 as well. Undo brings theirs back; the journal keeps both.',
          who
        );
      case 'renumbered':
        return trans(
          'Somebody else added a segment with the same number: your %1 is now number %2.',
          ...[who, to ?? 0]
        );
    }
  }

  private readonly _trouble = element('div', {
    className: 'medlab-Banner-row medlab-Banner-trouble'
  });
  private readonly _notices = element('div', {
    className: 'medlab-Banner-notices'
  });
  private readonly _stop: (() => void)[];
  private _key = 'unknown';
  private _since: number | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private _isBrowserToldOf = false;
}

import { element } from '../dom';
import { type ActionGroup, ACTIONS, type IAction } from '../input/actions';
import type { KeyComplaint } from '../input/key_map';
import type { Translate } from '../translate';
import { iconButton } from './controls';

const GROUPS: readonly [string, readonly ActionGroup[]][] = [
  ['Tools', ['move', 'paint', 'outline', 'grow', 'mark', 'measure']],
  ['Tool settings', ['setting']],
  ['Effects', ['effect']],
  ['Segments and history', ['segment', 'history']],
  ['View', ['view']],
  ['Keyboard pointer', ['pointer']]
];

/** All keys at a glance, over the editor. */
export class KeyOverlay {
  /** @param keysOf - all keys of an action, in words */
  constructor(
    private readonly _keysOf: (action: string) => readonly string[],
    private readonly _complaints: () => readonly KeyComplaint[],
    private readonly _hasTools: boolean,
    private readonly _trans: Translate
  ) {
    this.node.setAttribute('aria-label', _trans('Keyboard shortcuts'));
    // Keys mean nothing to the editor below while the list is open.
    this.node.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === '?') {
        this.node.close();
      }
    });
    this.node.addEventListener('close', () => this._from?.focus());
  }

  readonly node = element('dialog', { className: 'medlab-Keys' });

  open(): void {
    const active = document.activeElement;
    this._from = active instanceof HTMLElement ? active : null;
    const close = iconButton('close', this._trans('Close'), () =>
      this.node.close()
    );
    const heading = element('div', { className: 'medlab-Keys-heading' }, [
      element('h2', { text: this._trans('Keyboard shortcuts') }),
      close
    ]);
    const groups = GROUPS.map(([title, names]) => this._group(title, names));
    this.node.replaceChildren(
      heading,
      ...this._warnings(),
      element('div', { className: 'medlab-Keys-groups' }, groups),
      element('p', {
        className: 'medlab-Keys-note',
        text: this._trans(
          'The keys can be changed: Settings, “Labeling”, “Keys”.'
        )
      })
    );
    this.node.showModal();
    close.focus();
  }

  private _group(title: string, names: readonly ActionGroup[]): HTMLElement {
    const rows = ACTIONS.filter(
      ({ group, draws }) => names.includes(group) && (this._hasTools || !draws)
    ).flatMap(action => this._row(action));
    const group = element('section', { className: 'medlab-Keys-group' }, [
      element('h3', { text: this._trans(title) }),
      element('dl', {}, rows)
    ]);
    group.hidden = rows.length === 0;
    return group;
  }

  private _row({ id, words }: IAction): HTMLElement[] {
    const keys = this._keysOf(id);
    if (keys.length === 0) {
      return [];
    }
    const names = keys.map(key => element('kbd', { text: key }));
    return [
      element('div', {}, [
        element('dt', {}, names),
        element('dd', { text: this._trans(words) })
      ])
    ];
  }

  private _warnings(): HTMLElement[] {
    const sentences = this._complaints().map(complaint =>
      complaintInWords(complaint, this._trans)
    );
    return sentences.map(text =>
      element('p', { className: 'medlab-Keys-warning', text })
    );
  }

  private _from: HTMLElement | null = null;
}

/** What is wrong with the keys in the settings, and what to do. */
export function complaintInWords(
  complaint: KeyComplaint,
  trans: Translate
): string {
  const wordsOf = (action: string) =>
    trans(ACTIONS.find(({ id }) => id === action)?.words ?? action);
  switch (complaint.kind) {
    case 'conflict':
      return trans(
        'The key %1 is given to “%2” and to “%3”. The first has it; give the second another key in the settings.',
        complaint.key,
        wordsOf(complaint.winner),
        wordsOf(complaint.loser)
      );
    case 'unknown-key':
      return trans(
        '“%1” is no key (for “%2”). Write it like b, Shift+G or Ctrl+Alt+ArrowUp.',
        complaint.key,
        wordsOf(complaint.action)
      );
    default:
      return trans(
        'The settings give a key to “%1”, which medlab does not know.',
        complaint.action
      );
  }
}

import type { ISegmentCode } from '../../server/types';

import { iconButton, textButton } from '../bars/controls';
import { element } from '../dom';
import type { Translate } from '../translate';

import { searchCodes } from './codes';

const FOUND = 8;

/** What a segment is in a vocabulary: search a short list, or enter any code. */
export class CodeField {
  constructor(
    private readonly _trans: Translate,
    private readonly _change: (code: ISegmentCode | null) => void
  ) {
    this._clear = iconButton('close', _trans('Remove the code'), () =>
      this._take(null)
    );
    this._open = textButton('', _trans('Code of this segment'), () =>
      this._toggle()
    );
    this._open.classList.add('medlab-Code-open');
    this._open.setAttribute('aria-expanded', 'false');
    const head = element('div', { className: 'medlab-SegmentDetails-field' }, [
      element('span', { text: _trans('Code') }),
      this._open,
      this._clear
    ]);
    this._editor.hidden = true;
    this._editor.append(this._searchPart(), this._freePart());
    this._editor.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Escape') {
        this._close();
      }
    });
    this.node.append(head, this._editor);
  }

  readonly node = element('div', { className: 'medlab-Code' });

  show(code: ISegmentCode | null, name: string): void {
    const words = code
      ? `${code.meaning} (${code.scheme} ${code.value})`
      : this._trans('none: choose…');
    this._open.textContent = words;
    this._open.title = words;
    this._open.setAttribute('aria-label', `${this._trans('Code')}: ${words}`);
    this._clear.hidden = !code;
    if (name !== this._name) {
      this._name = name;
      this._close(false);
    }
    this._code = code;
  }

  private _searchPart(): HTMLElement {
    const trans = this._trans;
    this._search.placeholder = trans('Search, for example "liver"');
    this._search.setAttribute('aria-label', trans('Search codes'));
    this._search.addEventListener('input', () => this._find());
    this._search.addEventListener('keydown', event => {
      const first = this._results.querySelector('button');
      if (first && (event.key === 'ArrowDown' || event.key === 'Enter')) {
        event.preventDefault();
        if (event.key === 'Enter') {
          first.click();
        } else {
          first.focus();
        }
      }
    });
    this._results.addEventListener('keydown', event => {
      const all = [...this._results.querySelectorAll('button')];
      const at = all.findIndex(each => each === document.activeElement);
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step !== undefined) {
        event.preventDefault();
        (all[at + step] ?? this._search).focus();
      }
    });
    return element('div', {}, [this._search, this._results]);
  }

  private _freePart(): HTMLElement {
    const trans = this._trans;
    const take = textButton(trans('Use'), trans('Use this code'), () => {
      const [scheme, value, meaning] = [
        ...[this._scheme, this._value, this._meaning]
      ].map(input => input.value.trim());
      if (scheme && value && meaning) {
        this._take({ scheme, value, meaning });
      } else {
        const empty = [this._scheme, this._value, this._meaning];
        empty.find(input => !input.value.trim())?.focus();
      }
    });
    const inputs: [HTMLInputElement, string][] = [
      [this._scheme, trans('Scheme')],
      [this._value, trans('Value')],
      [this._meaning, trans('Meaning')]
    ];
    for (const [input, label] of inputs) {
      input.placeholder = label;
      input.setAttribute('aria-label', label);
    }
    return element(
      'fieldset',
      {
        className: 'medlab-Code-free',
        attributes: { 'aria-label': trans('Any code') }
      },
      [this._scheme, this._value, this._meaning, take]
    );
  }

  private _find(): void {
    const found = searchCodes(this._search.value, FOUND);
    this._results.replaceChildren(
      ...found.map(code => {
        const title = `${code.meaning} (${code.scheme} ${code.value})`;
        const button = element(
          'button',
          {
            className: 'medlab-Code-result',
            title,
            attributes: { type: 'button' }
          },
          [
            element('span', { text: code.meaning }),
            element('span', {
              className: 'medlab-Code-value',
              text: code.value
            })
          ]
        );
        button.addEventListener('click', () => this._take(code));
        return element('li', {}, [button]);
      })
    );
    const isLost = this._search.value.trim() !== '' && found.length === 0;
    if (isLost) {
      const text = this._trans('Not in the short list: enter it below.');
      this._results.append(element('li', { text }));
    }
  }

  private _take(code: ISegmentCode | null): void {
    this._close();
    this._change(code);
  }

  private _toggle(): void {
    if (!this._editor.hidden) {
      this._close();
      return;
    }
    this._editor.hidden = false;
    this._open.setAttribute('aria-expanded', 'true');
    this._scheme.value = this._code?.scheme ?? 'SCT';
    this._value.value = this._code?.value ?? '';
    this._meaning.value = this._code?.meaning ?? '';
    this._search.value = this._code ? '' : this._name;
    this._find();
    this._search.focus();
    this._search.select();
  }

  private _close(isFocused = true): void {
    if (this._editor.hidden) {
      return;
    }
    this._editor.hidden = true;
    this._open.setAttribute('aria-expanded', 'false');
    if (isFocused) {
      this._open.focus();
    }
  }

  private readonly _open: HTMLButtonElement;
  private readonly _clear: HTMLButtonElement;
  private readonly _editor = element('div', {
    className: 'medlab-Code-editor'
  });
  private readonly _search = textInput('search');
  private readonly _results = element('ul', {
    className: 'medlab-Code-results'
  });
  private readonly _scheme = textInput('text');
  private readonly _value = textInput('text');
  private readonly _meaning = textInput('text');
  private _code: ISegmentCode | null = null;
  private _name = '';
}

function textInput(type: string): HTMLInputElement {
  return element('input', {
    className: 'medlab-Segments-search',
    attributes: { type, spellcheck: 'false', maxlength: '64' }
  });
}

import { element } from '../dom';

/** A name that becomes a text field while it is changed: by double click or `edit`. */
export class NameField {
  constructor(
    label: string,
    private readonly _isEditable: boolean,
    private readonly _rename: (name: string) => void
  ) {
    this._input.setAttribute('aria-label', label);
    this._input.hidden = true;
    this.node.append(this._text, this._input);
    this._text.addEventListener('dblclick', () => this.edit());
    this._input.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Enter' || event.key === 'Escape') {
        event.preventDefault();
        this._isDropped = event.key === 'Escape';
        this._focusRow();
      }
    });
    this._input.addEventListener('blur', () => this._finish());
    this._input.addEventListener('pointerdown', event =>
      event.stopPropagation()
    );
  }

  readonly node = element('span', { className: 'medlab-Segment-title' });

  show(name: string): void {
    this._name = name;
    if (this._text.textContent !== name) {
      this._text.textContent = name;
      this._text.title = name;
    }
  }

  edit(): void {
    if (!this._isEditable) {
      return;
    }
    this._isDropped = false;
    this._input.value = this._name;
    this._input.hidden = false;
    this._text.hidden = true;
    this._input.focus();
    this._input.select();
  }

  private _finish(): void {
    const name = this._input.value.trim();
    this._input.hidden = true;
    this._text.hidden = false;
    if (!this._isDropped && name && name !== this._name) {
      this._rename(name);
    }
  }

  private _focusRow(): void {
    const row = this.node.closest<HTMLElement>('[data-key]');
    if (row) {
      row.focus();
    } else {
      this._input.blur();
    }
  }

  private readonly _text = element('span', {
    className: 'medlab-Segment-name'
  });
  private readonly _input = element('input', {
    className: 'medlab-Segment-input',
    attributes: { type: 'text', spellcheck: 'false', maxlength: '200' }
  });
  private _name = '';
  private _isDropped = false;
}

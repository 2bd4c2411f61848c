import type { IMark } from '../../server/types';

import type { IEditorContext } from '../context';
import { element } from '../dom';

import type { MarkBoard } from './mark_board';
import { factsOf } from './words';

/** The selected mark: what it is of, its value and note, and what was measured. */
export class MarkDetails {
  constructor(
    private readonly _context: IEditorContext,
    private readonly _board: MarkBoard
  ) {
    const { trans, hasTools } = _context;
    this._segment.addEventListener('change', () => {
      const id = Number(this._segment.value);
      this._change({ segment: id > 0 ? id : null });
    });
    this._value.addEventListener('change', () => {
      // A class without a value says nothing: it keeps the one it had.
      const value = this._value.value.trim() || (this._mark?.value ?? '');
      this._value.value = value;
      this._change({ value });
    });
    this._note.addEventListener('change', () =>
      this._change({ note: this._note.value.trim() })
    );
    this._color.addEventListener('change', () =>
      this._change({ color: this._color.value })
    );
    for (const input of [this._value, this._note]) {
      input.addEventListener('keydown', event => {
        event.stopPropagation();
        if (event.key === 'Enter' || event.key === 'Escape') {
          input.blur();
        }
      });
    }
    this._value.setAttribute('aria-label', trans('Value of the class'));
    this._segment.setAttribute('aria-label', trans('Segment of the mark'));
    this._note.setAttribute('aria-label', trans('Note'));
    this._color.setAttribute('aria-label', trans('Colour of the mark'));
    this._color.title = trans('Colour of the mark');
    if (hasTools) {
      this._valueField = field(trans('Value'), this._value);
      this.node.append(
        this._valueField,
        field(trans('Segment'), this._segment, this._color),
        field(trans('Note'), this._note)
      );
    }
    this.node.append(this._facts);
  }

  readonly node = element('div', { className: 'medlab-SegmentDetails' });

  show(mark: IMark | undefined): void {
    this.node.hidden = !mark;
    this._mark = mark;
    if (!mark) {
      return;
    }
    const { trans, scene } = this._context;
    this.node.setAttribute('aria-label', mark.name);
    this._segment.replaceChildren(
      new Option(trans('none'), '0'),
      ...scene.labels.segments.map(
        ({ id, name }) => new Option(name, String(id))
      )
    );
    this._segment.value = String(mark.segment ?? 0);
    this._color.value = this._board.colorOf(mark);
    if (document.activeElement !== this._value) {
      this._value.value = mark.value ?? '';
    }
    if (document.activeElement !== this._note) {
      this._note.value = mark.note;
    }
    if (this._valueField) {
      this._valueField.hidden = mark.kind !== 'class';
    }
    this._facts.replaceChildren(
      ...factsOf(mark, this._context).flatMap(([name, value]) => [
        element('dt', { text: name }),
        element('dd', { text: value })
      ])
    );
  }

  private _change(fields: Partial<Omit<IMark, 'id'>>): void {
    if (this._mark) {
      this._board.change(this._mark.id, fields);
    }
  }

  private readonly _segment = element('select', {
    className: 'medlab-Toolbar-select'
  });
  private readonly _value = element('input', {
    className: 'medlab-Segments-search',
    attributes: { type: 'text', maxlength: '200' }
  });
  private readonly _color = element('input', {
    className: 'medlab-Segment-color',
    attributes: { type: 'color' }
  });
  private readonly _note = element('input', {
    className: 'medlab-Segments-search',
    attributes: { type: 'text', maxlength: '1000' }
  });
  private readonly _facts = element('dl', { className: 'medlab-Marks-facts' });
  private _valueField: HTMLElement | null = null;
  private _mark: IMark | undefined;
}

function field(label: string, ...controls: HTMLElement[]): HTMLElement {
  return element('label', { className: 'medlab-SegmentDetails-field' }, [
    element('span', { text: label }),
    ...controls
  ]);
}

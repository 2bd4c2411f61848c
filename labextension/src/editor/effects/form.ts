import type { ISegment } from '../../server/types';

import { element } from '../dom';
import type { Translate } from '../translate';

import {
  askedFor,
  firstValues,
  type IChoiceField,
  type IField,
  type INumberField,
  type IRunField,
  type ISegmentField,
  type Problem,
  readNumber,
  type Value,
  type Values
} from './fields';

let forms = 0;

interface IRow {
  field: IField;
  node: HTMLElement;
  /** Reads the other segments or the models again. */
  refresh?: () => void;
}

/** What a form looks up outside of itself. */
export interface IFormPlace {
  readonly trans: Translate;
  /** Segments but the one that is drawn. */
  others(): readonly ISegment[];
  /** Trainings that ended; null until they are known. */
  runs(): readonly { id: string; name: string }[] | null;
}

/** The fields of an effect, as they are typed and slid. */
export class EffectForm {
  /** @param changed - called after each change that can be understood */
  constructor(
    private readonly _fields: readonly IField[],
    values: Values | null,
    private readonly _place: IFormPlace,
    private readonly _changed: () => void
  ) {
    this._values = { ...firstValues(_fields), ...values };
    this._rows = _fields.map(field => this._row(field));
    this.node.append(...this._rows.map(({ node }) => node));
    this.refresh();
  }

  readonly node = element('div', { className: 'medlab-Effect-fields' });

  get values(): Values {
    return this._values;
  }

  /** Nothing that was typed is left to mend. */
  get isValid(): boolean {
    return askedFor(this._fields, this._values).every(
      ({ name }) => !this._problems.has(name)
    );
  }

  /** Looks the segments and models up again, and shows the fields that are asked for. */
  refresh(): void {
    this._rows.forEach(({ refresh }) => refresh?.());
    this._showAsked();
  }

  focus(): void {
    const first = [
      ...this.node.querySelectorAll<HTMLElement>('select, input')
    ].find(control => control.closest('[hidden]') === null);
    first?.focus();
  }

  private _showAsked(): void {
    const asked = askedFor(this._fields, this._values);
    for (const { field, node } of this._rows) {
      node.hidden = !asked.includes(field);
    }
  }

  private _set(name: string, value: Value): void {
    this._problems.delete(name);
    if (this._values[name] !== value) {
      this._values = { ...this._values, [name]: value };
      this._showAsked();
      this._changed();
    }
  }

  private _row(field: IField): IRow {
    switch (field.kind) {
      case 'number':
        return this._number(field);
      case 'choice':
        return this._choice(field);
      case 'segment':
        return this._segment(field);
      default:
        return this._run(field);
    }
  }

  private _number(field: INumberField): IRow {
    const { trans } = this._place;
    const { name, words, unit, empty, min, max, step } = field;
    const error = element('span', {
      className: 'medlab-Effect-problem',
      attributes: { id: `medlab-effect-problem-${++forms}`, role: 'alert' }
    });
    error.hidden = true;
    const input = element('input', {
      className: 'medlab-Toolbar-number',
      attributes: {
        ...{ type: 'number', step: String(step ?? 'any'), 'data-field': name },
        ...(min === undefined ? {} : { min: String(min) }),
        ...(max === undefined ? {} : { max: String(max) }),
        'aria-errormessage': error.id
      }
    });
    input.placeholder = empty === undefined ? '' : trans(empty);
    const slider = field.slides ? this._slider(field, input) : null;
    const show = (value: Value) => {
      input.value = value === null ? '' : String(+Number(value).toPrecision(6));
      if (slider && value !== null) {
        slider.value = String(value);
      }
    };
    show(this._values[name] ?? null);
    input.addEventListener('input', () => {
      const read = readNumber(
        field,
        input.validity.badInput ? 'not a number' : input.value
      );
      const isWrong = 'problem' in read;
      input.setAttribute('aria-invalid', String(isWrong));
      error.hidden = !isWrong;
      if (isWrong) {
        error.textContent = problemWords(read.problem, trans);
        this._problems.add(name);
        this._changed();
      } else {
        if (slider && read.value !== null) {
          slider.value = String(read.value);
        }
        const wasWrong = this._problems.delete(name);
        if (this._values[name] === read.value && wasWrong) {
          this._changed();
        }
        this._set(name, read.value);
      }
    });
    const label = element(
      'label',
      { className: 'medlab-Effect-label', title: trans(field.help ?? '') },
      [
        element('span', { text: trans(words) }),
        element('span', { className: 'medlab-Effect-number' }, [
          input,
          element('span', { className: 'medlab-Toolbar-unit', text: unit })
        ])
      ]
    );
    const node = element('div', { className: 'medlab-Effect-field' }, [
      label,
      ...(slider ? [slider] : []),
      error
    ]);
    return { field, node };
  }

  private _slider(
    { min, max, step, words }: INumberField,
    input: HTMLInputElement
  ): HTMLInputElement {
    const slider = element('input', {
      className: 'medlab-Effect-slider',
      attributes: {
        ...{ type: 'range', min: String(min), max: String(max) },
        ...{ step: String(step ?? 'any'), tabindex: '-1' },
        'aria-label': this._place.trans(words)
      }
    });
    slider.addEventListener('input', () => {
      input.value = slider.value;
      input.dispatchEvent(new Event('input'));
    });
    return slider;
  }

  private _choice({ name, words, options }: IChoiceField): IRow {
    const field = this._fields.find(each => each.name === name) as IField;
    const { trans } = this._place;
    const select = element('select', {
      className: 'medlab-Toolbar-select',
      attributes: { 'data-field': name }
    });
    select.append(
      ...options.map(([value, text]) => new Option(trans(text), value))
    );
    const value = String(this._values[name]);
    select.value = options.some(([each]) => each === value)
      ? value
      : options[0][0];
    this._values = { ...this._values, [name]: select.value };
    select.addEventListener('change', () => this._set(name, select.value));
    return { field, node: this._labelled(words, select) };
  }

  private _segment(field: ISegmentField): IRow {
    const { name, words, empty } = field;
    const { trans, others } = this._place;
    const select = element('select', {
      className: 'medlab-Toolbar-select',
      attributes: { 'data-field': name }
    });
    const refresh = () => {
      const value = this._values[name];
      const found = others();
      select.replaceChildren(
        ...(empty === undefined ? [] : [new Option(trans(empty), '')]),
        ...found.map(each => new Option(each.name, String(each.id)))
      );
      const isThere = found.some(({ id }) => id === value);
      const first = empty === undefined ? (found[0]?.id ?? null) : null;
      const now = isThere ? (value ?? null) : first;
      select.value = now === null ? '' : String(now);
      select.disabled = select.options.length === 0;
      this._values = { ...this._values, [name]: now };
    };
    select.addEventListener('change', () =>
      this._set(name, select.value === '' ? null : Number(select.value))
    );
    return { field, node: this._labelled(words, select), refresh };
  }

  private _run(field: IRunField): IRow {
    const { name, words } = field;
    const { trans, runs } = this._place;
    const select = element('select', {
      className: 'medlab-Toolbar-select',
      attributes: { 'data-field': name }
    });
    const refresh = () => {
      const found = runs();
      const nothing = found
        ? trans('No training has ended yet')
        : trans('Looking for trainings…');
      select.replaceChildren(
        ...(found?.length
          ? found.map(run => new Option(run.name || run.id, run.id))
          : [new Option(nothing, '')])
      );
      select.disabled = !found?.length;
      const value = this._values[name];
      const now = found?.some(({ id }) => id === value)
        ? String(value)
        : (found?.[0]?.id ?? null);
      select.value = now ?? '';
      this._values = { ...this._values, [name]: now };
    };
    select.addEventListener('change', () => this._set(name, select.value));
    return { field, node: this._labelled(words, select), refresh };
  }

  private _labelled(words: string, control: HTMLElement): HTMLElement {
    return element('div', { className: 'medlab-Effect-field' }, [
      element('label', { className: 'medlab-Effect-label' }, [
        element('span', { text: this._place.trans(words) }),
        control
      ])
    ]);
  }

  private readonly _rows: readonly IRow[];
  private readonly _problems = new Set<string>();
  private _values: Values;
}

function problemWords(problem: Problem, trans: Translate): string {
  if (problem.kind === 'not-a-number') {
    return trans('Type a number.');
  }
  if (problem.kind === 'not-whole') {
    return trans('Type a whole number.');
  }
  const { min, max } = problem;
  return max === undefined
    ? trans('Type a number from %1 on.', String(min))
    : trans('Type a number from %1 to %2.', String(min ?? '−∞'), String(max));
}

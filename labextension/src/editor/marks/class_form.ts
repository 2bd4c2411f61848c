import type { IMark, Triple } from '../../server/types';

import { textButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';

import { newMark } from './mark';
import type { MarkBoard } from './mark_board';
import { SCOPE_WORDS } from './mark_row';

type Scope = NonNullable<IMark['scope']>;

let forms = 0;

/**
 * Says what a study, a scan or a slice shows: a name and a value, such as `motion` and
 * `none`; those used before are offered again.
 */
export class ClassForm {
  constructor(
    private readonly _context: IEditorContext,
    private readonly _board: MarkBoard
  ) {
    const { trans } = _context;
    const number = ++forms;
    this._names.id = `medlab-class-names-${number}`;
    this._values.id = `medlab-class-values-${number}`;
    this._name.setAttribute('list', this._names.id);
    this._value.setAttribute('list', this._values.id);
    this._name.placeholder = trans('Name, for example "motion"');
    this._name.setAttribute('aria-label', trans('Name of the class'));
    this._value.placeholder = trans('Value, for example "none"');
    this._value.setAttribute('aria-label', trans('Value of the class'));
    this._scope.setAttribute('aria-label', trans('What it is said of'));
    this._scope.append(
      ...(Object.keys(SCOPE_WORDS) as Scope[]).map(
        scope => new Option(trans('this %1', trans(SCOPE_WORDS[scope])), scope)
      )
    );
    this._scope.value = 'image';
    const add = textButton(trans('Add'), trans('Add the class'), () =>
      this._add()
    );
    this.node.append(
      this._scope,
      this._name,
      this._value,
      add,
      this._names,
      this._values
    );
    this._name.addEventListener('focus', () => this._offer());
    this._value.addEventListener('focus', () => this._offer());
    this.node.addEventListener('submit', event => event.preventDefault());
    this.node.addEventListener('keydown', event => {
      event.stopPropagation();
      const isText = event.target instanceof HTMLInputElement;
      if (event.key === 'Enter' && isText) {
        event.preventDefault();
        this._add();
      } else if (event.key === 'Escape') {
        this.node.hidden = true;
      }
    });
  }

  readonly node = element('form', { className: 'medlab-Marks-form' });

  open(): void {
    this.node.hidden = false;
    this._name.focus();
  }

  private _add(): void {
    const name = this._name.value.trim();
    const value = this._value.value.trim();
    if (!name || !value) {
      (name ? this._value : this._name).focus();
      return;
    }
    const scope = this._scope.value as Scope;
    this._board.add(
      newMark('class', { name, value, scope, ...this._at(scope) })
    );
    this._value.value = '';
    this._name.select();
  }

  /** A slice's class names its plane and a point in the slice. */
  private _at(scope: Scope): Partial<IMark> {
    if (scope !== 'slice') {
      return {};
    }
    const { planes, scene } = this._context;
    const point: Triple = [...scene.crosshair];
    return { plane: planes.focused.plane, points: [point] };
  }

  private _offer(): void {
    const classes = this._board.marks.filter(({ kind }) => kind === 'class');
    const name = this._name.value.trim();
    const fits = classes.filter(mark => mark.name === name);
    fill(
      this._names,
      classes.map(mark => mark.name)
    );
    fill(
      this._values,
      (fits.length > 0 ? fits : classes).map(mark => mark.value ?? '')
    );
  }

  private readonly _scope = element('select', {
    className: 'medlab-Toolbar-select'
  });
  private readonly _name = textInput();
  private readonly _value = textInput();
  private readonly _names = element('datalist');
  private readonly _values = element('datalist');
}

function textInput(): HTMLInputElement {
  return element('input', {
    className: 'medlab-Segments-search',
    attributes: { type: 'text', maxlength: '200', autocomplete: 'off' }
  });
}

function fill(list: HTMLDataListElement, values: readonly string[]): void {
  const unique = [...new Set(values.filter(value => value))];
  list.replaceChildren(...unique.map(value => new Option('', value)));
}

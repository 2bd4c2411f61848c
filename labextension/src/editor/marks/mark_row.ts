import type { IMark } from '../../server/types';

import { iconButton } from '../bars/controls';
import { element } from '../dom';
import { icon, type IconName } from '../icons';
import { NameField } from '../segments/name_field';
import type { IRow } from '../segments/roving_list';
import { dress } from '../segments/segment_row';

import type { MarkBoard } from './mark_board';
import { valueOf } from './words';

export const KIND_ICONS: Record<IMark['kind'], IconName> = {
  point: 'point',
  line: 'line',
  angle: 'angle',
  rectangle: 'box2d',
  ellipse: 'roi',
  box: 'box3d',
  class: 'classes'
};

/** One mark in the list: its kind, its name, what it says, and a way to remove it. */
export class MarkRow implements IRow<IMark> {
  constructor(
    private _mark: IMark,
    private readonly _board: MarkBoard,
    onChoose: (mark: IMark) => void
  ) {
    const { trans, hasTools } = _board.context;
    this._name = new NameField(trans('Name of the mark'), hasTools, name =>
      _board.change(this._mark.id, { name })
    );
    this._kind.append(icon(KIND_ICONS[_mark.kind]));
    const words = element('span', { className: 'medlab-MarkRow-words' }, [
      this._name.node,
      this._value
    ]);
    this.node = element('li', { className: 'medlab-MarkRow' }, [
      this._kind,
      words
    ]);
    if (hasTools) {
      const remove = iconButton('trash', '', () =>
        _board.remove(this._mark.id)
      );
      remove.classList.add('medlab-MarkRow-remove');
      remove.addEventListener('pointerdown', event => event.stopPropagation());
      this._remove = remove;
      this.node.append(remove);
    }
    this.node.addEventListener('click', event => {
      const isControl =
        event.target instanceof Element &&
        event.target.closest('button, input') !== null;
      if (!isControl) {
        onChoose(this._mark);
      }
    });
  }

  readonly node: HTMLLIElement;

  update(mark: IMark): void {
    this._mark = mark;
    const { context, selected } = this._board;
    const value = valueOf(mark, context);
    const segment = context.scene.labels.segment(mark.segment ?? 0);
    const about = [segment?.name, value, this._scope(mark)];
    const words = about.filter(part => part).join(' · ');
    this._name.show(mark.name);
    if (this._value.textContent !== words) {
      this._value.textContent = words;
      this._value.title = words;
    }
    this._kind.style.color = this._board.colorOf(mark);
    this._kind.title = this._board.kindOf(mark);
    if (this._remove) {
      dress(this._remove, 'trash', context.trans('Remove %1', mark.name));
    }
    const isSelected = mark.id === selected;
    this.node.classList.toggle('medlab-mod-chosen', isSelected);
    this.node.setAttribute('aria-current', String(isSelected));
    this.node.setAttribute(
      'aria-label',
      [this._board.kindOf(mark), mark.name, ...about]
        .filter(part => part)
        .join(', ')
    );
  }

  rename(): void {
    this._name.edit();
  }

  private _scope({ scope }: IMark): string {
    const { trans } = this._board.context;
    return scope ? trans(SCOPE_WORDS[scope]) : '';
  }

  private readonly _name: NameField;
  private readonly _kind = element('span', {
    className: 'medlab-MarkRow-kind'
  });
  private readonly _value = element('span', {
    className: 'medlab-MarkRow-value'
  });
  private _remove: HTMLButtonElement | null = null;
}

/** What a class is said of, before translation. */
export const SCOPE_WORDS = {
  study: 'study',
  image: 'scan',
  slice: 'slice'
} as const;

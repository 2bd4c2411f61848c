import type { ISegment } from '../../server/types';

import { iconButton } from '../bars/controls';
import { element } from '../dom';
import type { LabelMap } from '../labels/label_map';
import type { Settings } from '../settings';

/** Colours for new segments, told apart on grey and by most colour-blind readers. */
export const PALETTE = [
  '#e6550d',
  '#3fa7ff',
  '#5fd35f',
  '#f2c500',
  '#c678ff',
  '#00c9c0',
  '#ff6fae',
  '#b0d840',
  '#ff9f5a',
  '#8fa3ff'
] as const;

export interface ISegmentActions {
  add(): void;
  change(id: number, fields: Partial<ISegment>): void;
  remove(id: number): void;
}

/** The named, coloured segments: choose, rename, recolour, hide, lock, remove. */
export class SegmentList {
  constructor(
    private readonly _labels: LabelMap,
    private readonly _settings: Settings,
    private readonly _actions: ISegmentActions,
    private readonly _trans: (text: string) => string,
    private readonly _isEditable: boolean
  ) {
    const heading = element('div', { className: 'medlab-Segments-heading' }, [
      element('span', { text: _trans('Segments') })
    ]);
    if (_isEditable) {
      const add = iconButton('plus', _trans('Add a segment'), () =>
        _actions.add()
      );
      add.classList.add('medlab-Segments-add');
      heading.append(add);
    }
    this.node = element('div', { className: 'medlab-Segments' }, [
      heading,
      this._list
    ]);
    this._stop = [
      _labels.changed.connect(change => change.segments && this.update()),
      _settings.changed.connect(() => this._markChosen())
    ];
    this.update();
  }

  readonly node: HTMLElement;

  update(): void {
    // A name that is being typed stays: it would lose the cursor.
    if (this._list.contains(document.activeElement) && this._isTyping()) {
      return;
    }
    this._list.replaceChildren(
      ...this._labels.segments.map(segment => this._row(segment))
    );
    this._markChosen();
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
  }

  private _isTyping(): boolean {
    const active = document.activeElement;
    return active instanceof HTMLInputElement && active.type === 'text';
  }

  private _row(segment: ISegment): HTMLElement {
    const { id } = segment;
    const row = element('li', {
      className: 'medlab-Segment',
      attributes: { 'data-segment': String(id) }
    });
    row.append(this._color(segment), this._name(segment));
    const eye = iconButton(
      segment.visible ? 'eye' : 'eyeOff',
      segment.visible ? this._trans('Hide') : this._trans('Show'),
      () => this._actions.change(id, { visible: !segment.visible })
    );
    eye.classList.toggle('medlab-mod-off', !segment.visible);
    row.append(eye);
    if (this._isEditable) {
      const lock = iconButton(
        segment.locked ? 'lock' : 'unlock',
        segment.locked
          ? this._trans('Unlock')
          : this._trans('Lock: tools leave it alone'),
        () => this._actions.change(id, { locked: !segment.locked })
      );
      lock.classList.toggle('medlab-mod-on', segment.locked);
      const remove = iconButton('trash', this._trans('Remove segment'), () =>
        this._actions.remove(id)
      );
      remove.classList.add('medlab-Segment-remove');
      row.append(lock, remove);
    }
    row.addEventListener('pointerdown', () =>
      this._settings.set({ segment: id })
    );
    return row;
  }

  private _color(segment: ISegment): HTMLElement {
    const input = element('input', {
      className: 'medlab-Segment-color',
      title: this._trans('Colour'),
      attributes: {
        type: 'color',
        value: segment.color,
        'aria-label': `${this._trans('Colour of')} ${segment.name}`
      }
    });
    input.disabled = !this._isEditable;
    input.addEventListener('change', () =>
      this._actions.change(segment.id, { color: input.value })
    );
    return input;
  }

  private _name(segment: ISegment): HTMLElement {
    const input = element('input', {
      className: 'medlab-Segment-name',
      attributes: {
        type: 'text',
        spellcheck: 'false',
        'aria-label': this._trans('Name of the segment')
      }
    });
    input.value = segment.name;
    input.title = segment.name;
    input.readOnly = !this._isEditable;
    input.addEventListener('focus', () =>
      this._settings.set({ segment: segment.id })
    );
    input.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Enter' || event.key === 'Escape') {
        input.value = event.key === 'Escape' ? segment.name : input.value;
        input.blur();
      }
    });
    input.addEventListener('blur', () => {
      const name = input.value.trim();
      if (name && name !== segment.name) {
        this._actions.change(segment.id, { name });
      } else {
        input.value = segment.name;
      }
    });
    return input;
  }

  private _markChosen(): void {
    const chosen = String(this._settings.values.segment);
    for (const row of this._list.children) {
      const isChosen = row.getAttribute('data-segment') === chosen;
      row.classList.toggle('medlab-mod-chosen', isChosen && this._isEditable);
      row.setAttribute('aria-current', String(isChosen));
    }
  }

  private readonly _list = element('ul', { className: 'medlab-Segments-list' });
  private readonly _stop: (() => void)[];
}

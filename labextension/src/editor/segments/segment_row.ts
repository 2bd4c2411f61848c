import type { ISegment } from '../../server/types';

import { iconButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';
import { icon } from '../icons';

import { NameField } from './name_field';
import type { IRow } from './roving_list';
import type { SegmentEdits } from './segment_edits';
import { choiceOf } from './segment_state';

type Place = Pick<IEditorContext, 'settings' | 'trans' | 'hasTools'>;

/** One segment in the list: number, colour, name, state, eye and lock. */
export class SegmentRow implements IRow<ISegment> {
  /** @param onGrab - the handle for moving the row was pressed */
  constructor(
    private _segment: ISegment,
    private readonly _place: Place,
    private readonly _edits: SegmentEdits,
    onGrab: (event: PointerEvent, segment: ISegment) => void
  ) {
    const { trans, hasTools } = _place;
    this._name = new NameField(trans('Name of the segment'), hasTools, name =>
      _edits.change(this._segment.id, { name })
    );
    this.node = element(
      'li',
      {
        className: 'medlab-Segment',
        attributes: { 'data-segment': String(_segment.id) }
      },
      [this._number, this._color, this._name.node, this._eye]
    );
    this._color.disabled = !hasTools;
    this._color.addEventListener('change', () =>
      _edits.change(this._segment.id, { color: this._color.value })
    );
    if (hasTools) {
      this._grip.title = trans('Drag to reorder (Alt+Up, Alt+Down)');
      this._grip.addEventListener('pointerdown', event =>
        onGrab(event, this._segment)
      );
      this.node.prepend(this._grip);
      this._eye.before(this._state);
      this.node.append(this._lock);
    }
    this.node.addEventListener('pointerdown', () => this._choose());
  }

  readonly node: HTMLLIElement;

  update(segment: ISegment, position: number): void {
    this._segment = segment;
    const { trans } = this._place;
    const { name, color, visible, locked, state } = segment;
    const word = trans(choiceOf(state).words);
    this._number.textContent = String(position + 1);
    this._number.title =
      position < 9 ? trans('Press %1 to choose it', position + 1) : '';
    if (this._color.value !== color) {
      this._color.value = color;
    }
    this._color.setAttribute('aria-label', trans('Colour of %1', name));
    this._name.show(name);
    dress(this._state, choiceOf(state).icon, trans('State: %1', word));
    this._state.dataset.state = state;
    dress(
      this._eye,
      visible ? 'eye' : 'eyeOff',
      visible ? trans('Hide') : trans('Show')
    );
    this._eye.classList.toggle('medlab-mod-off', !visible);
    dress(
      this._lock,
      locked ? 'lock' : 'unlock',
      locked ? trans('Unlock') : trans('Lock: tools leave it alone')
    );
    this._lock.classList.toggle('medlab-mod-on', locked);
    this.node.classList.toggle('medlab-mod-hidden', !visible);
    const told = [`${position + 1}`, name, word];
    told.push(...(locked ? [trans('locked')] : []));
    told.push(...(visible ? [] : [trans('hidden')]));
    this.node.setAttribute('aria-label', told.join(', '));
  }

  markChosen(isChosen: boolean): void {
    const { hasTools } = this._place;
    this.node.classList.toggle('medlab-mod-chosen', isChosen && hasTools);
    this.node.setAttribute('aria-current', String(isChosen));
  }

  rename(): void {
    this._name.edit();
  }

  private _choose(): void {
    const { settings } = this._place;
    if (settings.values.segment !== this._segment.id) {
      settings.set({ segment: this._segment.id });
    }
  }

  private _toggle(key: 'visible' | 'locked'): void {
    this._edits.change(this._segment.id, { [key]: !this._segment[key] });
  }

  private readonly _name: NameField;
  private readonly _grip = element(
    'span',
    { className: 'medlab-Segment-grip', attributes: { 'aria-hidden': 'true' } },
    [icon('grip')]
  );
  private readonly _number = element('span', {
    className: 'medlab-Segment-number',
    attributes: { 'aria-hidden': 'true' }
  });
  private readonly _color = element('input', {
    className: 'medlab-Segment-color',
    attributes: { type: 'color' }
  });
  private readonly _state = iconButton('circle', '', () =>
    this._edits.advance(this._segment.id)
  );
  private readonly _eye = iconButton('eye', '', () => this._toggle('visible'));
  private readonly _lock = iconButton('lock', '', () => this._toggle('locked'));
}

/** Another icon and another title for a button; nothing where they are the same. */
export function dress(
  button: HTMLButtonElement,
  name: Parameters<typeof icon>[0],
  title: string
): void {
  if (button.dataset.icon !== name) {
    button.dataset.icon = name;
    button.replaceChildren(icon(name));
  }
  if (button.title !== title) {
    button.title = title;
    button.setAttribute('aria-label', title);
  }
}

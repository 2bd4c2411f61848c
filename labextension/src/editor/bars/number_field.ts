import { element } from '../dom';
import type { ISettings, Settings } from '../settings';
import type { Translate } from '../translate';

export type NumberSetting =
  'low' | 'high' | 'tolerance' | 'growTolerance' | 'growExpand';

/** Settings that may be left to the tool, and what their empty field says. */
const OPEN: Partial<Record<NumberSetting, { empty: string; words: string }>> = {
  tolerance: {
    empty: 'any',
    words:
      'Fill intensities this close to the clicked one. Empty: any intensity, up to the edge of the label.'
  },
  growTolerance: {
    empty: 'auto',
    words:
      'Grow over intensities this close to the clicked one. Empty: as they vary around it.'
  }
};

/** One number of the settings, with its name and unit. */
export class NumberField {
  constructor(
    settings: Settings,
    private readonly _setting: NumberSetting,
    label: string,
    unit: string,
    trans: Translate
  ) {
    const open = OPEN[_setting];
    if (open) {
      this._input.placeholder = trans(open.empty);
      this._input.min = '0';
      this._input.title = trans(open.words);
    }
    if (_setting === 'growExpand') {
      Object.assign(this._input, { min: '-20', max: '20', step: '1' });
      this._input.title = trans('Steps wider than found; below zero narrower');
    }
    this._input.dataset.setting = _setting;
    this._input.addEventListener('change', () => {
      const value = this._input.valueAsNumber;
      if (Number.isFinite(value)) {
        settings.set({ [_setting]: value });
      } else if (open) {
        settings.set({ [_setting]: null });
      } else {
        this.show(settings.values);
      }
    });
    this.node = element('label', { className: 'medlab-Toolbar-field' }, [
      element('span', { text: trans(label) }),
      this._input,
      element('span', { className: 'medlab-Toolbar-unit', text: unit })
    ]);
  }

  readonly node: HTMLElement;

  show(values: ISettings): void {
    const value = values[this._setting];
    const text = value === null ? '' : String(+value.toPrecision(6));
    if (this._input.value !== text && document.activeElement !== this._input) {
      this._input.value = text;
    }
  }

  private readonly _input = element('input', {
    className: 'medlab-Toolbar-number',
    attributes: { type: 'number', step: 'any' }
  });
}

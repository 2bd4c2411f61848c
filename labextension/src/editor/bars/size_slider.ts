import { element } from '../dom';
import type { ISettings, Settings } from '../settings';
import type { Translate } from '../translate';

const SMALLEST_MM = 0.5;
const LARGEST_MM = 60;

/** Radius of the brush, on a scale with fine steps for small brushes. */
export class SizeSlider {
  /** @param _unit - of the radius: mm, or px where the scan knows no mm */
  constructor(
    settings: Settings,
    trans: Translate,
    private readonly _unit: string
  ) {
    const words = trans('Brush radius');
    this._slider.title = words;
    this._slider.setAttribute('aria-label', words);
    this._slider.addEventListener('input', () => {
      const part = this._slider.valueAsNumber / 100;
      const radius = SMALLEST_MM * (LARGEST_MM / SMALLEST_MM) ** part;
      settings.set({ radius_mm: +radius.toPrecision(2) });
    });
  }

  show({ radius_mm }: ISettings): void {
    const part =
      Math.log(radius_mm / SMALLEST_MM) / Math.log(LARGEST_MM / SMALLEST_MM);
    const text = `${+radius_mm.toPrecision(2)} ${this._unit}`;
    this._slider.value = String(Math.round(100 * part));
    this._slider.setAttribute('aria-valuetext', text);
    this._text.textContent = text;
  }

  private readonly _slider = element('input', {
    className: 'medlab-Toolbar-slider',
    attributes: { type: 'range', min: '0', max: '100', step: '1' }
  });
  private readonly _text = element('span', {
    className: 'medlab-Toolbar-value'
  });

  readonly node = element('label', { className: 'medlab-Toolbar-field' }, [
    this._slider,
    this._text
  ]);
}

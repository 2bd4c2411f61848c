import { iconButton, press, toolbarGroup } from './controls';
import { element } from '../dom';
import type { ISettings, Settings } from '../settings';

/** What the chosen tool is set to: its size, its reach, what it leaves alone. */
export class ToolSettings {
  constructor(
    private readonly _settings: Settings,
    unit: string,
    private readonly _trans: (text: string) => string
  ) {
    const isBrush = () => this._settings.hasBrush;
    this.node = toolbarGroup(this._trans('Tool settings'), [
      this._when(isBrush, this._size()),
      this._when(isBrush, this._ball()),
      this._when(
        values => values.tool === 'threshold',
        element('span', { className: 'medlab-Toolbar-range' }, [
          this._number('low', 'From', unit),
          this._number('high', 'to', unit)
        ])
      ),
      this._when(
        values => values.tool === 'fill',
        this._number('tolerance', 'Tolerance', unit)
      ),
      this._when(values => values.tool !== 'crosshair', this._protection())
    ]);
    this._refresh.push(values => {
      this.node.hidden = values.tool === 'crosshair';
    });
  }

  readonly node: HTMLElement;

  show(values: ISettings): void {
    this._refresh.forEach(refresh => refresh(values));
  }

  private _size(): HTMLElement {
    const slider = element('input', {
      className: 'medlab-Toolbar-slider',
      title: this._trans('Brush radius ([ and ])'),
      attributes: {
        ...{ type: 'range', min: '0', max: '100', step: '1' },
        'aria-label': this._trans('Brush radius')
      }
    });
    const text = element('span', { className: 'medlab-Toolbar-value' });
    // Logarithmic, 0.5 to 60 mm: small brushes need the finer steps.
    slider.addEventListener('input', () => {
      const radius = 0.5 * 120 ** (slider.valueAsNumber / 100);
      this._settings.set({ radius_mm: +radius.toPrecision(2) });
    });
    this._refresh.push(({ radius_mm }) => {
      slider.value = String(
        Math.round((100 * Math.log(radius_mm / 0.5)) / Math.log(120))
      );
      text.textContent = `${+radius_mm.toPrecision(2)} mm`;
    });
    return element('label', { className: 'medlab-Toolbar-field' }, [
      slider,
      text
    ]);
  }

  private _ball(): HTMLElement {
    const disc = iconButton(
      'disc',
      this._trans('Disc: this slice only (S)'),
      () => this._settings.set({ isBall: false })
    );
    const ball = iconButton(
      'ball',
      this._trans('Ball: across slices (S)'),
      () => this._settings.set({ isBall: true })
    );
    this._refresh.push(({ isBall }) => {
      press(disc, !isBall);
      press(ball, isBall);
    });
    return element('span', { className: 'medlab-Toolbar-pair' }, [disc, ball]);
  }

  private _number(
    key: 'low' | 'high' | 'tolerance',
    label: string,
    unit: string
  ): HTMLElement {
    const input = element('input', {
      className: 'medlab-Toolbar-number',
      attributes: { type: 'number', step: 'any', 'data-setting': key }
    });
    if (key === 'tolerance') {
      input.placeholder = this._trans('any');
      input.min = '0';
      input.title = this._trans(
        'Fill intensities this close to the clicked one. Empty: any intensity, up to the edge of the label.'
      );
    }
    input.addEventListener('keydown', event => event.stopPropagation());
    input.addEventListener('change', () => {
      const value = input.valueAsNumber;
      if (key === 'tolerance') {
        this._settings.set({
          tolerance: Number.isFinite(value) ? value : null
        });
      } else if (Number.isFinite(value)) {
        this._settings.set({ [key]: value });
      }
    });
    this._refresh.push(values => {
      const value = values[key];
      input.value = value === null ? '' : String(+value.toPrecision(6));
    });
    return element('label', { className: 'medlab-Toolbar-field' }, [
      element('span', { text: this._trans(label) }),
      input,
      element('span', { className: 'medlab-Toolbar-unit', text: unit })
    ]);
  }

  private _protection(): HTMLElement {
    const title = this._trans(
      'Protect others: paint over background only, erase this segment only (O)'
    );
    const button = iconButton('shield', title, () =>
      this._settings.nextOverwrites()
    );
    this._refresh.push(values =>
      press(button, values.overwrites === 'background')
    );
    return button;
  }

  private _when(
    isShown: (values: ISettings) => boolean,
    node: HTMLElement
  ): HTMLElement {
    this._refresh.push(values => {
      node.hidden = !isShown(values);
    });
    return node;
  }

  private readonly _refresh: ((values: ISettings) => void)[] = [];
}

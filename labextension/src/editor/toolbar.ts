import { element } from './dom';
import { icon, type IconName } from './icons';
import type { IWindowPreset } from './intensity';
import { type ISettings, type Settings, TOOLS } from './settings';

export interface IToolbarActions {
  undo(): void;
  redo(): void;
  fit(): void;
  /** Shows these planes; `grid` for all. */
  layout(name: string): void;
  window(preset: IWindowPreset | 'auto' | 'full'): void;
}

export interface IToolbarOptions {
  hasTools: boolean;
  layouts: readonly { name: string; words: string }[];
  presets: readonly IWindowPreset[];
  isGrey: boolean;
  unit: string;
}

/** Tools, their settings, windows and layouts, above the planes. */
export class Toolbar {
  constructor(
    private readonly _settings: Settings,
    private readonly _actions: IToolbarActions,
    options: IToolbarOptions,
    private readonly _trans: (text: string) => string
  ) {
    this.node = element('div', {
      className: 'medlab-Toolbar',
      attributes: { role: 'toolbar', 'aria-label': _trans('Image tools') }
    });
    if (options.hasTools) {
      this.node.append(
        this._tools(),
        this._history(),
        this._toolSettings(options)
      );
    }
    this.node.append(
      element('div', { className: 'medlab-Toolbar-space' }),
      this._labelsGroup(),
      this._windowGroup(options),
      this._layoutGroup(options)
    );
    this._stop = _settings.changed.connect(values => this._show(values));
    this._show(_settings.values);
  }

  readonly node: HTMLElement;

  showHistory(canUndo: boolean, canRedo: boolean): void {
    if (this._undo && this._redo) {
      this._undo.disabled = !canUndo;
      this._redo.disabled = !canRedo;
    }
  }

  showLayout(name: string): void {
    for (const [layout, button] of this._layouts) {
      button.setAttribute('aria-pressed', String(layout === name));
    }
  }

  dispose(): void {
    this._stop();
  }

  private _tools(): HTMLElement {
    return this._group(
      'Tools',
      TOOLS.map(({ tool, icon: name, words, key }) => {
        const label = `${this._trans(words)} (${key.toUpperCase()})`;
        const button = this._button(name, label, () =>
          this._settings.set({ tool })
        );
        button.dataset.tool = tool;
        this._refresh.push(values => press(button, values.tool === tool));
        return button;
      })
    );
  }

  private _history(): HTMLElement {
    this._undo = this._button('undo', this._trans('Undo (Ctrl+Z)'), () =>
      this._actions.undo()
    );
    this._undo.dataset.action = 'undo';
    this._redo = this._button('redo', this._trans('Redo (Ctrl+Shift+Z)'), () =>
      this._actions.redo()
    );
    this._redo.dataset.action = 'redo';
    this.showHistory(false, false);
    return this._group('History', [this._undo, this._redo]);
  }

  private _toolSettings(options: IToolbarOptions): HTMLElement {
    const isBrush = () => this._settings.hasBrush;
    const group = this._group('Tool settings', [
      this._when(isBrush, this._size()),
      this._when(isBrush, this._ball()),
      this._when(
        values => values.tool === 'threshold',
        element('span', { className: 'medlab-Toolbar-range' }, [
          this._number('low', 'From', options.unit),
          this._number('high', 'to', options.unit)
        ])
      ),
      this._when(
        values => values.tool === 'fill',
        this._number('tolerance', 'Tolerance', options.unit)
      ),
      this._when(
        values => values.tool !== 'crosshair',
        this._toggle(
          'shield',
          'Protect others: paint over background only, erase this segment only (O)',
          'protectsOthers'
        )
      )
    ]);
    this._refresh.push(values => {
      group.hidden = values.tool === 'crosshair';
    });
    return group;
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
    const disc = this._button(
      'disc',
      this._trans('Disc: this slice only (S)'),
      () => this._settings.set({ isBall: false })
    );
    const ball = this._button(
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

  private _labelsGroup(): HTMLElement {
    const opacity = element('input', {
      className: 'medlab-Toolbar-slider medlab-mod-short',
      title: this._trans('Opacity of the labels'),
      attributes: {
        ...{ type: 'range', min: '0', max: '100' },
        'aria-label': this._trans('Opacity of the labels')
      }
    });
    opacity.addEventListener('input', () =>
      this._settings.set({ opacity: opacity.valueAsNumber / 100 })
    );
    this._refresh.push(values => {
      opacity.value = String(Math.round(values.opacity * 100));
    });
    return this._group('Labels', [
      this._toggle('eye', 'Show labels (H)', 'areLabelsShown'),
      this._toggle('outline', 'Outline (U)', 'isOutlined'),
      opacity
    ]);
  }

  private _windowGroup(options: IToolbarOptions): HTMLElement {
    const choice = element('select', {
      className: 'medlab-Toolbar-select',
      title: this._trans('Window (drag with the right button to change it)'),
      attributes: { 'aria-label': this._trans('Window') }
    });
    const head = new Option(this._trans('Window'), '');
    head.hidden = true;
    choice.append(
      head,
      new Option(this._trans('Automatic'), 'auto'),
      new Option(this._trans('Full range'), 'full')
    );
    options.presets.forEach((preset, at) =>
      choice.append(new Option(this._trans(preset.name), String(at)))
    );
    choice.addEventListener('change', () => {
      const { value } = choice;
      this._actions.window(
        value === 'auto' || value === 'full'
          ? value
          : options.presets[Number(value)]
      );
      choice.value = '';
    });
    const group = this._group('Window', [choice]);
    group.hidden = !options.isGrey;
    return group;
  }

  private _layoutGroup(options: IToolbarOptions): HTMLElement {
    const buttons = options.layouts.map(({ name, words }) => {
      const title = this._trans(words);
      const button =
        name === 'grid'
          ? this._button('grid', title, () => this._actions.layout(name))
          : this._letter(title.slice(0, 2), title, () =>
              this._actions.layout(name)
            );
      button.dataset.layout = name;
      this._layouts.set(name, button);
      return button;
    });
    const fit = this._button('fit', this._trans('Fit (0)'), () =>
      this._actions.fit()
    );
    return this._group('View', [fit, ...buttons]);
  }

  private _letter(
    text: string,
    title: string,
    action: () => void
  ): HTMLButtonElement {
    const button = element('button', {
      className: 'medlab-Editor-button medlab-mod-text',
      text,
      title,
      attributes: { type: 'button', 'aria-label': title }
    });
    button.addEventListener('click', action);
    return button;
  }

  private _toggle(
    name: IconName,
    title: string,
    key: 'protectsOthers' | 'isOutlined' | 'areLabelsShown'
  ): HTMLButtonElement {
    const button = this._button(name, this._trans(title), () =>
      this._settings.set({ [key]: !this._settings.values[key] })
    );
    this._refresh.push(values => press(button, values[key]));
    return button;
  }

  private _button(
    name: IconName,
    title: string,
    action: () => void
  ): HTMLButtonElement {
    const button = element(
      'button',
      {
        className: 'medlab-Editor-button',
        title,
        attributes: { type: 'button', 'aria-label': title }
      },
      [icon(name)]
    );
    button.addEventListener('click', action);
    return button;
  }

  private _group(label: string, children: readonly Node[]): HTMLElement {
    return element(
      'div',
      {
        className: 'medlab-Toolbar-group',
        attributes: { role: 'group', 'aria-label': this._trans(label) }
      },
      children
    );
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

  private _show(values: ISettings): void {
    this._refresh.forEach(refresh => refresh(values));
  }

  private readonly _refresh: ((values: ISettings) => void)[] = [];
  private readonly _layouts = new Map<string, HTMLButtonElement>();
  private readonly _stop: () => void;
  private _undo: HTMLButtonElement | null = null;
  private _redo: HTMLButtonElement | null = null;
}

function press(button: HTMLButtonElement, isPressed: boolean): void {
  button.setAttribute('aria-pressed', String(isPressed));
}

import type { IVolumeInfo } from '../../server/types';

import { iconButton, press, textButton, toolbarGroup } from './controls';
import { element } from '../dom';
import type { Plane } from '../view/geometry';
import type { IconName } from '../icons';
import { type IWindowPreset, presetsFor } from '../view/intensity';
import { TITLES } from '../view/plane_view';
import type { ISettings, Settings } from '../settings';
import { TOOLS } from '../tools/registry';
import { ToolSettings } from './tool_settings';

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
        this._toolSettings(options.unit)
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
    return toolbarGroup(
      this._trans('Tools'),
      TOOLS.map(({ tool, icon: name, words, key }) => {
        const label = `${this._trans(words)} (${key.toUpperCase()})`;
        const button = iconButton(name, label, () =>
          this._settings.set({ tool })
        );
        button.dataset.tool = tool;
        this._refresh.push(values => press(button, values.tool === tool));
        return button;
      })
    );
  }

  private _history(): HTMLElement {
    this._undo = iconButton('undo', this._trans('Undo (Ctrl+Z)'), () =>
      this._actions.undo()
    );
    this._undo.dataset.action = 'undo';
    this._redo = iconButton('redo', this._trans('Redo (Ctrl+Shift+Z)'), () =>
      this._actions.redo()
    );
    this._redo.dataset.action = 'redo';
    this.showHistory(false, false);
    return toolbarGroup(this._trans('History'), [this._undo, this._redo]);
  }

  private _toolSettings(unit: string): HTMLElement {
    const group = new ToolSettings(this._settings, unit, this._trans);
    this._refresh.push(values => group.show(values));
    return group.node;
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
    return toolbarGroup(this._trans('Labels'), [
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
    const group = toolbarGroup(this._trans('Window'), [choice]);
    group.hidden = !options.isGrey;
    return group;
  }

  private _layoutGroup(options: IToolbarOptions): HTMLElement {
    const buttons = options.layouts.map(({ name, words }) => {
      const title = this._trans(words);
      const button =
        name === 'grid'
          ? iconButton('grid', title, () => this._actions.layout(name))
          : textButton(title.slice(0, 2), title, () =>
              this._actions.layout(name)
            );
      button.dataset.layout = name;
      this._layouts.set(name, button);
      return button;
    });
    const fit = iconButton('fit', this._trans('Fit (0)'), () =>
      this._actions.fit()
    );
    return toolbarGroup(this._trans('View'), [fit, ...buttons]);
  }

  private _toggle(
    name: IconName,
    title: string,
    key: 'isOutlined' | 'areLabelsShown'
  ): HTMLButtonElement {
    const button = iconButton(name, this._trans(title), () =>
      this._settings.set({ [key]: !this._settings.values[key] })
    );
    this._refresh.push(values => press(button, values[key]));
    return button;
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

/** The toolbar for a scan in these planes. */
export function toolbarOptions(
  info: IVolumeInfo,
  planes: readonly Plane[],
  hasTools: boolean
): IToolbarOptions {
  const single = planes.map(plane => ({
    name: plane as string,
    words: TITLES[plane]
  }));
  const grid = { name: 'grid', words: 'All planes' };
  return {
    hasTools,
    layouts: planes.length > 1 ? [...single, grid] : [],
    presets: presetsFor(info),
    isGrey: info.channels === 1,
    unit: info.unit
  };
}

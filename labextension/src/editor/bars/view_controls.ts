import { element } from '../dom';
import { ACTIONS, type IActionTarget } from '../input/actions';
import type { ISettings } from '../settings';
import type { Plane } from '../view/geometry';
import { type IWindowPreset } from '../view/intensity';
import { TITLES } from '../view/words';
import type { ActionButtons } from './action_buttons';
import { iconButton, press, textButton, toolbarGroup } from './controls';
import type { IRowGroup } from './overflow';
import type { IToolbarOptions } from './toolbar';

const SHORT: Record<Plane, string> = {
  axial: 'Ax',
  sagittal: 'Sa',
  coronal: 'Co'
};

/** How labels, intensities and planes are shown. */
export class ViewControls {
  constructor(
    private readonly _target: IActionTarget,
    private readonly _buttons: ActionButtons,
    options: IToolbarOptions
  ) {
    this._trans = _target.context.trans;
    const { context } = _target;
    this.groups = [
      { node: this._labels(), rank: 5 },
      { node: this._window(options), rank: 4 },
      { node: this._layouts(options), rank: 3 }
    ];
    context.scene.windowChanged.connect(() => {
      this._choice.value = '';
    });
  }

  readonly groups: readonly IRowGroup[];

  show({ opacity }: ISettings): void {
    this._opacity.value = String(Math.round(opacity * 100));
    for (const [layout, button] of this._layoutButtons) {
      press(button, layout === this._target.layout);
    }
  }

  private _labels(): HTMLElement {
    const { settings } = this._target.context;
    const words = this._trans('Opacity of the labels');
    this._opacity.title = words;
    this._opacity.setAttribute('aria-label', words);
    this._opacity.addEventListener('input', () =>
      settings.set({ opacity: this._opacity.valueAsNumber / 100 })
    );
    return toolbarGroup(this._trans('Labels'), [
      this._action('labels'),
      this._action('outline'),
      this._opacity
    ]);
  }

  private _window({ presets, isGrey }: IToolbarOptions): HTMLElement {
    const { scene } = this._target.context;
    const choice = this._choice;
    choice.title = this._trans(
      'Window: drag with the right button to change it'
    );
    choice.setAttribute('aria-label', this._trans('Window'));
    const head = new Option(this._trans('Window'), '');
    head.hidden = true;
    choice.append(
      head,
      new Option(this._trans('Automatic'), 'auto'),
      new Option(this._trans('Full range'), 'full'),
      ...presets.map(
        (preset: IWindowPreset, at) =>
          new Option(this._trans(preset.name), String(at))
      )
    );
    choice.addEventListener('change', () => {
      const { value } = choice;
      scene.chooseWindow(
        value === 'auto' || value === 'full' ? value : presets[Number(value)]
      );
      choice.value = value;
    });
    const group = toolbarGroup(this._trans('Window'), [choice]);
    group.hidden = !isGrey;
    return group;
  }

  private _layouts({ planes }: IToolbarOptions): HTMLElement {
    const show = (name: string) => () => this._target.showLayout(name);
    const single = planes.map(plane => {
      const title = this._trans(TITLES[plane]);
      const short = this._trans(SHORT[plane]);
      return [plane, textButton(short, title, show(plane))] as const;
    });
    const grid = iconButton('grid', this._trans('All planes'), show('grid'));
    this._layoutButtons =
      planes.length > 1 ? [...single, ['grid', grid] as const] : [];
    for (const [name, button] of this._layoutButtons) {
      button.dataset.layout = name;
    }
    return toolbarGroup(this._trans('View'), [
      this._action('fit'),
      ...this._layoutButtons.map(([, button]) => button)
    ]);
  }

  private _action(name: string): HTMLButtonElement {
    const action = ACTIONS.find(({ id }) => id === name);
    if (!action) {
      throw new Error(`There is no action "${name}".`);
    }
    return this._buttons.make(action);
  }

  private readonly _trans: IActionTarget['context']['trans'];
  private readonly _opacity = element('input', {
    className: 'medlab-Toolbar-slider medlab-mod-short',
    attributes: { type: 'range', min: '0', max: '100' }
  });
  private readonly _choice = element('select', {
    className: 'medlab-Toolbar-select'
  });
  private _layoutButtons: (readonly [string, HTMLButtonElement])[] = [];
}

import { element } from '../dom';
import type { ISettings, Settings } from '../settings';
import { isDrawTool, type Tool } from '../tools/registry';
import type { Translate } from '../translate';
import { iconButton, press, toolbarGroup } from './controls';
import { NumberField, type NumberSetting } from './number_field';
import { SizeSlider } from './size_slider';

/** What to do with a tool that is not plain from its name. */
const HINTS: Partial<Record<Tool, string>> = {
  crosshair: 'Click or drag: all planes show that place.',
  polygon: 'Click corners; Enter or the first corner closes.',
  lasso: 'Drag around it; Alt takes away.',
  rectangle: 'Drag from corner to corner; Alt takes away.',
  ellipse: 'Drag from corner to corner; Alt takes away.',
  livewire: 'Click along the edge; Enter closes.',
  point: 'Click to place a point.',
  'box-2d': 'Drag a box on this slice.',
  'box-3d': 'Drag a box, then its depth in another plane.',
  line: 'Drag from end to end.',
  angle: 'Click three points, the vertex second.',
  roi: 'Drag an ellipse: its mean, SD and area follow.'
};

const OVERWRITES: [ISettings['overwrites'], string][] = [
  ['visible', 'visible and unlocked'],
  ['background', 'background only'],
  ['everything', 'hidden ones too']
];

/** What the numbers of the tools are in. */
interface IToolUnits {
  /** Of intensities. */
  unit: string;
  /** Of lengths. */
  lengthUnit: string;
  /** The scan has intensities, not colours. */
  isGrey: boolean;
}

/** What the chosen tool is set to, and nothing else. */
export class ToolSettings {
  constructor(
    private readonly _settings: Settings,
    { unit, lengthUnit, isGrey }: IToolUnits,
    private readonly _keyOf: (action: string) => string,
    private readonly _trans: Translate
  ) {
    this._unit = unit;
    const isBrush = () => this._settings.hasBrush;
    const draws = ({ tool }: ISettings) => isDrawTool(tool);
    const spreads = ({ tool }: ISettings) => tool === 'fill' || tool === 'grow';
    const hasRange = () => isGrey && this._settings.hasRange;
    const masks = (values: ISettings) =>
      isGrey && draws(values) && values.tool !== 'threshold';
    const size = new SizeSlider(_settings, _trans, lengthUnit);
    this._refresh.push(values => size.show(values));
    this.node = toolbarGroup(_trans('Tool settings'), [
      this._hint(),
      this._when(isBrush, size.node),
      this._when(isBrush, this._pair('isBall')),
      this._when(spreads, this._pair('isThrough')),
      this._when(
        ({ tool }) => tool === 'fill',
        this._number('tolerance', 'Tolerance')
      ),
      this._when(({ tool }) => tool === 'grow', this._grow()),
      this._when(masks, this._rangeMask()),
      this._when(hasRange, this._range()),
      this._when(draws, this._overwrites())
    ]);
    this.node.classList.add('medlab-mod-settings');
  }

  readonly node: HTMLElement;

  show(values: ISettings): void {
    this._refresh.forEach(refresh => refresh(values));
  }

  private _hint(): HTMLElement {
    const node = element('span', { className: 'medlab-Toolbar-hint' });
    this._refresh.push(({ tool }) => {
      const hint = HINTS[tool];
      node.hidden = !hint;
      const text = hint ? this._trans(hint) : '';
      if (node.textContent !== text) {
        node.textContent = text;
      }
    });
    return node;
  }

  /** Disc or sphere; this slice or all. */
  private _pair(setting: 'isBall' | 'isThrough'): HTMLElement {
    const isBrush = setting === 'isBall';
    const flat = isBrush ? 'Disc: this slice only' : 'This slice only';
    const deep = isBrush ? 'Sphere: across slices' : 'Through all slices';
    const buttons = [false, true].map(isDeep => {
      const icon = isBrush
        ? isDeep
          ? ('ball' as const)
          : ('disc' as const)
        : isDeep
          ? ('box3d' as const)
          : ('rectangle' as const);
      const button = iconButton(icon, '', () =>
        this._settings.set({ [setting]: isDeep })
      );
      this._refresh.push(values => {
        press(button, values[setting] === isDeep);
        name(button, this._titled(isDeep ? deep : flat, 'sphere'));
      });
      return button;
    });
    return element('span', { className: 'medlab-Toolbar-pair' }, buttons);
  }

  private _rangeMask(): HTMLElement {
    const button = iconButton('range', '', () =>
      this._settings.set({
        isRangeMasked: !this._settings.values.isRangeMasked
      })
    );
    this._refresh.push(({ isRangeMasked }) => {
      press(button, isRangeMasked);
      name(
        button,
        this._titled('Paint in an intensity range only', 'range-mask')
      );
    });
    return button;
  }

  private _range(): HTMLElement {
    const eye = iconButton('eye', this._trans('Show the range'), () =>
      this._settings.set({ isRangeShown: !this._settings.values.isRangeShown })
    );
    this._refresh.push(({ isRangeShown }) => press(eye, isRangeShown));
    return element('span', { className: 'medlab-Toolbar-range' }, [
      this._number('low', 'From'),
      this._number('high', 'to'),
      eye
    ]);
  }

  private _grow(): HTMLElement {
    return element('span', { className: 'medlab-Toolbar-range' }, [
      this._number('growTolerance', 'Tolerance'),
      this._number('growExpand', 'Wider')
    ]);
  }

  private _number(setting: NumberSetting, label: string): HTMLElement {
    const unit = setting === 'growExpand' ? '' : this._unit;
    const field = new NumberField(
      ...([this._settings, setting, label, unit, this._trans] as const)
    );
    this._refresh.push(values => field.show(values));
    return field.node;
  }

  private _overwrites(): HTMLElement {
    const choice = element('select', { className: 'medlab-Toolbar-select' });
    choice.append(
      ...OVERWRITES.map(
        ([value, words]) => new Option(this._trans(words), value)
      )
    );
    choice.addEventListener('change', () =>
      this._settings.set({
        overwrites: choice.value as ISettings['overwrites']
      })
    );
    this._refresh.push(({ overwrites }) => {
      choice.value = overwrites;
      choice.title = this._titled('What may be painted over', 'overwrites');
    });
    return element('label', { className: 'medlab-Toolbar-field' }, [
      element('span', { text: this._trans('Over') }),
      choice
    ]);
  }

  private _titled(words: string, action: string): string {
    const key = this._keyOf(action);
    return key ? `${this._trans(words)} (${key})` : this._trans(words);
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

  private readonly _unit: string;
  private readonly _refresh: ((values: ISettings) => void)[] = [];
}

function name(button: HTMLButtonElement, title: string): void {
  if (button.title !== title) {
    button.title = title;
    button.setAttribute('aria-label', title);
  }
}

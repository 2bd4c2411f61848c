import type { IViewState, Overlay } from './panel';
import type { IClip } from './types';

type Trans = (text: string) => string;

const NAMES: Record<Overlay, string> = {
  labels: 'Labels',
  prediction: 'Prediction',
  difference: 'Difference',
  nothing: 'Scan only'
};

/** Where one looks from when the plane cuts: azimuth and elevation in degrees. */
const DIRECTIONS: readonly [string, number, number][] = [
  ['Front', 180, 0],
  ['Back', 0, 0],
  ['Left', 270, 0],
  ['Right', 90, 0],
  ['Top', 180, 90],
  ['Bottom', 180, -90]
];

/** The row of controls below a 3D view. */
export class ViewControls {
  constructor(
    trans: Trans,
    private _change: (change: Partial<IViewState>) => void
  ) {
    this.node.className = 'medlab-View3D-controls';
    this._directions.replaceChildren(
      ...DIRECTIONS.map(([name], n) => new Option(trans(name), String(n)))
    );
    this._trans = trans;
    this._clipOn.type = 'checkbox';
    for (const number of [this._center, this._width]) {
      number.type = 'number';
      number.step = 'any';
    }
    this.node.append(
      field(trans('Show'), this._show),
      field(trans('Scan'), this._opacity),
      field(trans('Labels'), this._labelOpacity),
      field(trans('Level'), this._center),
      field(trans('Width'), this._width),
      field(trans('Cut'), this._clipOn),
      field(trans('from'), this._directions),
      field(trans('depth'), this._depth)
    );
    this._listen();
  }

  readonly node = document.createElement('div');

  setChoices(choices: readonly Overlay[]): void {
    this._show.replaceChildren(
      ...choices.map(choice => new Option(this._trans(NAMES[choice]), choice))
    );
  }

  show(state: IViewState): void {
    this._show.value = state.show;
    this._opacity.value = String(state.opacity);
    this._labelOpacity.value = String(state.label_opacity);
    this._center.value = String(round(state.window[0]));
    this._width.value = String(round(state.window[1]));
    this._clipOn.checked = state.clip !== null;
    this._depth.disabled = this._directions.disabled = state.clip === null;
    if (state.clip) {
      const { azimuth, elevation, depth } = state.clip;
      const known = DIRECTIONS.findIndex(
        ([, a, e]) => a === azimuth && e === elevation
      );
      this._directions.value = String(known);
      this._depth.value = String(depth);
    }
  }

  private _listen(): void {
    const on = (node: HTMLElement, what: string, act: () => void) =>
      node.addEventListener(what, act);
    on(this._show, 'change', () =>
      this._change({ show: this._show.value as Overlay })
    );
    on(this._opacity, 'input', () =>
      this._change({ opacity: this._opacity.valueAsNumber })
    );
    on(this._labelOpacity, 'input', () =>
      this._change({ label_opacity: this._labelOpacity.valueAsNumber })
    );
    for (const number of [this._center, this._width]) {
      on(number, 'change', () => this._changeWindow());
    }
    on(this._clipOn, 'change', () => this._change({ clip: this._clip() }));
    on(this._directions, 'change', () => this._change({ clip: this._clip() }));
    on(this._depth, 'input', () => this._change({ clip: this._clip() }));
  }

  private _changeWindow(): void {
    const [center, width] = [
      this._center.valueAsNumber,
      this._width.valueAsNumber
    ];
    if (Number.isFinite(center) && width > 0) {
      this._change({ window: [center, width] });
    }
  }

  private _clip(): IClip | null {
    if (!this._clipOn.checked) {
      return null;
    }
    const [, azimuth, elevation] =
      DIRECTIONS[Number(this._directions.value)] ?? DIRECTIONS[0];
    return { azimuth, elevation, depth: this._depth.valueAsNumber };
  }

  private _trans: Trans;
  private _show = document.createElement('select');
  private _opacity = slider(0, 1, 1);
  private _labelOpacity = slider(0, 1, 1);
  private _center = document.createElement('input');
  private _width = document.createElement('input');
  private _clipOn = document.createElement('input');
  private _directions = document.createElement('select');
  private _depth = slider(-0.5, 0.5, 0);
}

function slider(least: number, most: number, value: number): HTMLInputElement {
  const node = document.createElement('input');
  Object.assign(node, { type: 'range', min: least, max: most, step: 0.02 });
  node.value = String(value);
  return node;
}

function field(name: string, control: HTMLElement): HTMLLabelElement {
  const label = document.createElement('label');
  label.className = 'medlab-View3D-field';
  label.append(name, control);
  return label;
}

function round(value: number): number {
  return Number(value.toPrecision(5));
}

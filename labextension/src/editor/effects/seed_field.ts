import type { Triple } from '../../server/types';

import { textButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';
import { nearestVoxel } from '../view/geometry';

/** The voxel an effect starts from: clicked in a plane, typed, or the crosshair's. */
export class SeedField {
  constructor(
    private readonly _context: IEditorContext,
    private readonly _changed: () => void
  ) {
    const { trans, scene } = _context;
    const { shape } = scene.volume.info;
    this._inputs = ['i', 'j', 'k'].map((letter, axis) => {
      const input = element('input', {
        className: 'medlab-Toolbar-number',
        attributes: {
          ...{ type: 'number', min: '0', max: String(shape[axis] - 1) },
          ...{ step: '1', 'data-field': `seed-${letter}` },
          'aria-label': trans('Voxel along %1', letter)
        }
      });
      input.placeholder = letter;
      input.addEventListener('change', () => this._read());
      return input;
    });
    const here = textButton(
      trans('Crosshair'),
      trans('Start where the crosshair is'),
      () => this._take([...scene.crosshair])
    );
    here.dataset.action = 'seed-at-crosshair';
    this.node = element(
      'div',
      {
        className: 'medlab-Effect-field medlab-Effect-seed',
        attributes: { role: 'group', 'aria-label': trans('Start') }
      },
      [
        element('span', {
          className: 'medlab-Effect-label',
          text: trans('Start: click in a plane')
        }),
        element('span', { className: 'medlab-Effect-voxel' }, [
          ...this._inputs,
          here
        ])
      ]
    );
    this.node.hidden = true;
  }

  readonly node: HTMLElement;

  get value(): Triple | null {
    return this._seed;
  }

  /** Takes the clicks in the planes, or gives them back to the tools. */
  listen(isListening: boolean): void {
    const { scene } = this._context;
    this.node.hidden = !isListening;
    scene.picker = isListening ? ijk => this._take(ijk) : null;
    scene.seed = isListening ? this._seed : null;
  }

  forget(): void {
    this._seed = null;
    this._inputs.forEach(input => (input.value = ''));
    this._context.scene.seed = null;
  }

  private _take(ijk: Triple): void {
    this._seed = nearestVoxel(this._context.scene.volume.info.shape, ijk);
    this._seed.forEach((x, axis) => (this._inputs[axis].value = String(x)));
    this._context.scene.seed = this._seed;
    this._changed();
  }

  private _read(): void {
    const typed = this._inputs.map(input => input.valueAsNumber);
    if (typed.every(Number.isFinite)) {
      this._take(typed as Triple);
    }
  }

  private readonly _inputs: readonly HTMLInputElement[];
  private _seed: Triple | null = null;
}

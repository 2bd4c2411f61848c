import type { ILayerSummary } from '../../server/types';

import { iconButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';
import { icon } from '../icons';

import type { IRow } from './roving_list';
import { dress } from './segment_row';

export interface ILayerActions {
  choose(name: string): void;
  toggle(name: string): void;
  isUnder(name: string): boolean;
}

/** One layer: drawn on, shown below, or hidden. */
export class LayerRow implements IRow<ILayerSummary> {
  constructor(
    layer: ILayerSummary,
    private readonly _context: IEditorContext,
    private readonly _actions: ILayerActions
  ) {
    const { name } = layer;
    this._eye = iconButton('eye', '', () => _actions.toggle(name));
    this.node = element('li', { className: 'medlab-Layer' }, [
      this._mark,
      element('span', {
        className: 'medlab-Segment-name',
        text: name,
        title: name
      }),
      this._words,
      this._eye
    ]);
    this.node.addEventListener('click', ({ target }) => {
      if (!(target instanceof Node && this._eye.contains(target))) {
        _actions.choose(name);
      }
    });
  }

  readonly node: HTMLLIElement;

  update({ name, segments }: ILayerSummary): void {
    const { session, trans, hasTools } = this._context;
    const isActive = name === session.layer;
    const count = (isActive ? session.labels.segments : segments).length;
    const isUnder = this._actions.isUnder(name);
    const drawn = hasTools ? trans('drawn on') : trans('shown');
    this._words.textContent = isActive ? drawn : '';
    this._mark.replaceChildren(...(isActive ? [icon('pen')] : []));
    this._eye.hidden = isActive;
    dress(
      this._eye,
      isUnder ? 'eye' : 'eyeOff',
      isUnder
        ? trans('Hide the layer %1', name)
        : trans('Show the layer %1 below the one that is drawn on', name)
    );
    this.node.classList.toggle('medlab-mod-chosen', isActive);
    this.node.setAttribute('aria-current', String(isActive));
    const state = isActive ? drawn : isUnder ? trans('shown') : trans('hidden');
    this.node.setAttribute(
      'aria-label',
      [name, trans('%1 segments', count), state].join(', ')
    );
    this.node.title = trans('%1 segments', count);
  }

  private readonly _eye: HTMLButtonElement;
  private readonly _mark = element('span', { className: 'medlab-Layer-mark' });
  private readonly _words = element('span', {
    className: 'medlab-Layer-words'
  });
}

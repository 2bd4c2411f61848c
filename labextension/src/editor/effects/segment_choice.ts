import type { ISegment } from '../../server/types';

import { element } from '../dom';
import type { Translate } from '../translate';

import { counted } from './words';

export interface IProposedSegment {
  segment: ISegment;
  /** Voxels it would get. */
  gained: number;
  isNew: boolean;
  isWanted: boolean;
}

/** Which of the segments of a preview are to be accepted. */
export class SegmentChoice {
  constructor(
    private readonly _trans: Translate,
    private readonly _choose: (segment: number, isWanted: boolean) => void
  ) {
    this.node.append(
      element('legend', { text: _trans('Segments to accept') }),
      this._list
    );
    this.node.hidden = true;
  }

  readonly node = element('fieldset', { className: 'medlab-Effect-segments' });

  show(proposed: readonly IProposedSegment[]): void {
    this.node.hidden = proposed.length < 2;
    const ids = proposed.map(({ segment }) => segment.id).join();
    if (ids !== this._ids) {
      this._ids = ids;
      this._rows = proposed.map(each => this._row(each));
      this._list.replaceChildren(...this._rows.map(({ node }) => node));
    }
    proposed.forEach(({ gained, isWanted }, at) => {
      const row = this._rows[at];
      row.box.checked = isWanted;
      row.count.textContent = isWanted ? `+${counted(gained)}` : '';
    });
  }

  private _row({ segment, isNew }: IProposedSegment): IRow {
    const box = element('input', { attributes: { type: 'checkbox' } });
    box.addEventListener('change', () => this._choose(segment.id, box.checked));
    const swatch = element('span', { className: 'medlab-Effect-swatch' });
    swatch.style.background = segment.color;
    const name = isNew ? this._trans('%1 (new)', segment.name) : segment.name;
    const count = element('span', { className: 'medlab-Effect-count' });
    const node = element('label', { className: 'medlab-Effect-segment' }, [
      box,
      swatch,
      element('span', {
        className: 'medlab-Effect-name',
        text: name,
        title: name
      }),
      count
    ]);
    return { node, box, count };
  }

  private readonly _list = element('div', {
    className: 'medlab-Effect-segmentList'
  });
  private _rows: IRow[] = [];
  private _ids = '';
}

interface IRow {
  node: HTMLElement;
  box: HTMLInputElement;
  count: HTMLElement;
}

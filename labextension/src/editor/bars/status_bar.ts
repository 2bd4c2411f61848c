import type { Triple } from '../../server/types';

import { element } from '../dom';
import type { Translate } from '../translate';
import { rasOf } from '../view/geometry';
import { icon, type IconName } from '../icons';
import type { SaveState } from '../labels/journal';
import type { LabelMap } from '../labels/label_map';
import type { Volume } from '../view/volume';

const SAVE_WORDS: Record<SaveState, [IconName, string]> = {
  saved: ['check', 'Saved'],
  saving: ['clock', 'Saving…'],
  unsaved: ['warning', 'Not saved'],
  offline: ['cloud', 'Offline: will save when the server is back']
};

/** Position, value and saving state, below the planes. */
export class StatusBar {
  constructor(private readonly _trans: Translate) {
    this.node = element('div', { className: 'medlab-Status' }, [
      this._position,
      this._value,
      element('span', { className: 'medlab-Toolbar-space' }),
      this._notice,
      this._save
    ]);
    this._save.hidden = true;
  }

  readonly node: HTMLElement;

  showVoxel(volume: Volume, labels: LabelMap, ijk: Triple): void {
    const ras = rasOf(volume.grid, ijk);
    const mm = ras
      .map((x, axis) => `${'RAS'[axis]} ${x.toFixed(1)}`)
      .join('  ');
    this._position.textContent = `${mm} mm   (${ijk.join(', ')})`;
    const values = volume.valuesAt(ijk);
    const number = (x: number) => (Number.isInteger(x) ? x : +x.toPrecision(5));
    const { unit } = volume.info;
    const label = labels.labelAt(ijk);
    const name = label
      ? `   ${labels.segment(label)?.name ?? `${this._trans('label')} ${label}`}`
      : '';
    this._value.textContent = `${values.map(number).join(', ')} ${unit}${name}`;
  }

  showSaveState(state: SaveState, message: string): void {
    const [name, words] = SAVE_WORDS[state];
    this._save.hidden = false;
    this._save.dataset.state = state;
    this._save.title = message;
    this._save.replaceChildren(
      icon(name),
      element('span', { text: this._trans(words) })
    );
  }

  /** A sentence for the reader; empty clears it. */
  notify(sentence: string, kind: 'status' | 'alert' = 'status'): void {
    this._notice.textContent = sentence;
    this._notice.title = sentence;
    this._notice.dataset.kind = kind;
  }

  /** The saving state in words, for screen readers. */
  get saving(): string {
    return this._save.textContent ?? '';
  }

  private readonly _position = element('span', {
    className: 'medlab-Status-position'
  });
  private readonly _value = element('span', {
    className: 'medlab-Status-value'
  });
  private readonly _notice = element('span', {
    className: 'medlab-Status-notice'
  });
  private readonly _save = element('span', {
    className: 'medlab-Status-save'
  });
}

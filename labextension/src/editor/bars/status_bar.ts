import type { Triple } from '../../server/types';

import { element } from '../dom';
import type { Translate } from '../translate';
import { rasOf } from '../view/geometry';
import { unitsOf } from '../view/units';
import { icon, type IconName } from '../icons';
import type { LabelMap } from '../labels/label_map';
import type { LabelSession } from '../labels/label_session';
import type { Volume } from '../view/volume';

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
    const place = ras
      .map((x, axis) => `${'RAS'[axis]} ${x.toFixed(1)}`)
      .join('  ');
    this._position.textContent = `${place} ${unitsOf(volume.info).length}   (${ijk.join(', ')})`;
    const values = volume.hasArrived(ijk[2]) ? volume.valuesAt(ijk) : [];
    const number = (x: number) => (Number.isInteger(x) ? x : +x.toPrecision(5));
    const { unit } = volume.info;
    const label = labels.labelAt(ijk);
    const name = label
      ? `   ${labels.segment(label)?.name ?? `${this._trans('label')} ${label}`}`
      : '';
    const value = values.length
      ? `${values.map(number).join(', ')} ${unit}`
      : this._trans('being read…');
    this._value.textContent = `${value}${name}`;
  }

  /** Where what was drawn is kept, in words and as an icon. */
  showSaveState(session: LabelSession): void {
    const { state, place, message } = session;
    const [name, words] = saveWords(session);
    const text = this._trans(words);
    const path = session.file?.info.path ?? '';
    this._save.hidden = false;
    this._save.dataset.state = state;
    this._save.dataset.place = place;
    this._save.title = message || (place === 'file' ? path : '');
    if (this._save.textContent !== text) {
      this._save.replaceChildren(icon(name), element('span', { text }));
    }
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

/** The icon and the words, before translation, for where the edits are. */
function saveWords(session: LabelSession): [IconName, string] {
  const { state, place, trouble } = session;
  const isInBrowser = place === 'browser';
  if (trouble?.kind === 'damaged') {
    return ['warning', 'Damaged on disk'];
  }
  if (trouble?.kind === 'login') {
    return isInBrowser
      ? ['browser', 'In this browser: log in again']
      : ['lock', 'Log in again'];
  }
  switch (state) {
    case 'saved':
      return place === 'file' ? ['file', 'In the file'] : ['disk', 'On disk'];
    case 'saving':
      return isInBrowser
        ? ['browser', 'In this browser, on its way to disk…']
        : ['clock', 'Saving…'];
    case 'offline':
      return isInBrowser
        ? ['browser', 'In this browser, until the server is back']
        : ['cloud', 'Offline'];
    case 'unsaved':
      return isInBrowser
        ? ['warning', 'In this browser, not on disk']
        : ['warning', 'Not on disk'];
  }
}

import { Clipboard } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon, ReactWidget } from '@jupyterlab/ui-components';
import type { KeyboardEvent, ReactElement } from 'react';

import { ServerError } from '../server/connection';
import { fetchTags } from '../server/scans';
import type { ITag } from '../server/types';
import { tagsIcon } from '../ui/icons';
import type { ScanCatalog } from './catalog';
import { NamesSwitch } from './names_switch';
import { ServerProblem } from './nothing';
import { Pages } from './pages';

/** Height of one field in CSS pixels, the same in tags.css. */
export const TAG_HEIGHT = 26;
const AROUND = 10;

/** Main area: every field of a scan's header, to search in and to copy from. */
export class TagsView extends ReactWidget {
  /**
   * @param scan - its id
   * @param name - what to call it
   * @param _onNames - keeps whether patients are named
   */
  constructor(
    readonly scan: string,
    readonly name: string,
    private readonly _catalog: ScanCatalog,
    private readonly _trans: TranslationBundle,
    private readonly _onNames: (shows: boolean) => void
  ) {
    super();
    this.addClass('medlab-Panel');
    this.addClass('medlab-Tags');
    this.title.label = _trans.__('Header of %1', name);
    this.title.caption = this.title.label;
    this.title.icon = tagsIcon;
    this.title.closable = true;
    this._showsNames = _catalog.showsNames;
    this._pages = this._search();
    _catalog.changed.connect(this._follow, this);
  }

  override dispose(): void {
    this._catalog.changed.disconnect(this._follow, this);
    this._pages.dispose();
    super.dispose();
  }

  protected override render(): ReactElement {
    const trans = this._trans;
    const { total, isKnown } = this._pages;
    return (
      <>
        <div className="medlab-Tags-bar">
          <h2>{this.name}</h2>
          <input
            type="search"
            className="medlab-Input"
            placeholder={trans.__('Search fields…')}
            aria-label={trans.__('Search fields')}
            value={this._words}
            spellCheck={false}
            onChange={event => {
              this._words = event.target.value;
              this._reload();
            }}
          />
          <span role="status">
            {isKnown &&
              trans._n('%2 field', '%2 fields', total, total.toLocaleString())}
          </span>
          <NamesSwitch
            isOn={this._showsNames}
            trans={trans}
            onChange={this._onNames}
          />
        </div>
        {this._error && (
          <ServerProblem
            error={this._error}
            trans={trans}
            onRetry={() => this._reload()}
          />
        )}
        {this._table()}
        <div className="medlab-VisuallyHidden" role="status">
          {this._said}
        </div>
      </>
    );
  }

  private _table(): ReactElement {
    const trans = this._trans;
    const { total, isKnown } = this._pages;
    const from = Math.max(0, Math.floor(this._top / TAG_HEIGHT) - AROUND);
    const last = Math.ceil((this._top + this._height) / TAG_HEIGHT) + AROUND;
    const to = Math.min(total, last);
    this._pages.want(from, to);
    const places = Array.from({ length: to - from }, (_, i) => from + i);
    const isActiveThere = this._active < total;
    if (isActiveThere && (this._active < from || this._active >= to)) {
      places.push(this._active);
    }
    const columns = this._hasNumbers
      ? [trans.__('Tag'), trans.__('Name'), trans.__('Type')]
      : [trans.__('Name')];
    return (
      <div
        className="medlab-Tags-table"
        data-numbered={this._hasNumbers}
        role="grid"
        tabIndex={0}
        aria-label={trans.__('Fields of the header')}
        aria-rowcount={total + 1}
        aria-activedescendant={
          isActiveThere ? this._rowId(this._active) : undefined
        }
        onScroll={event => this._look(event.currentTarget)}
        onKeyDown={event => this._key(event)}
        ref={node => node && node.clientHeight > 0 && this._measure(node)}
      >
        <div role="row" aria-rowindex={1} className="medlab-Tags-head">
          {[...columns, trans.__('Value')].map(words => (
            <span key={words} role="columnheader">
              {words}
            </span>
          ))}
        </div>
        <div
          role="presentation"
          className="medlab-Tags-body"
          style={{ height: total * TAG_HEIGHT }}
        >
          {places.map(place => this._row(place))}
        </div>
        {isKnown && total === 0 && (
          <p className="medlab-Panel-quiet">
            {this._words
              ? trans.__('No field matches these words.')
              : trans.__('This format has no header fields.')}
          </p>
        )}
      </div>
    );
  }

  /** The fields of DICOM have numbers and types; those of other formats only names. */
  private get _hasNumbers(): boolean {
    const first = this._pages.row(0);
    this._numbered = first ? first.tag !== '' : this._numbered;
    return this._numbered;
  }

  private _row(place: number): ReactElement {
    const trans = this._trans;
    const tag = this._pages.row(place);
    const isHidden = Boolean(tag?.identifies && !this._showsNames);
    const classes = [
      'medlab-Tags-row',
      place === this._active ? 'medlab-mod-active' : '',
      tag?.is_private ? 'medlab-mod-private' : ''
    ];
    return (
      <div
        key={place}
        id={this._rowId(place)}
        role="row"
        aria-rowindex={place + 2}
        aria-selected={place === this._active}
        aria-busy={tag ? undefined : true}
        className={classes.filter(Boolean).join(' ')}
        style={{ top: place * TAG_HEIGHT }}
        onMouseDown={() => this._goTo(place)}
      >
        {this._hasNumbers && <span role="gridcell">{tag?.tag}</span>}
        <span
          role="gridcell"
          style={{ paddingLeft: 14 * (tag?.depth ?? 0) }}
          title={tag?.keyword}
        >
          {tag && nameOf(tag, trans)}
        </span>
        {this._hasNumbers && <span role="gridcell">{tag?.vr}</span>}
        <span
          role="gridcell"
          className={isHidden ? 'medlab-mod-hidden' : undefined}
          title={isHidden ? undefined : tag?.value}
        >
          {isHidden ? trans.__('hidden') : tag?.value}
        </span>
        {tag && !isHidden && (
          <button
            className="medlab-IconButton"
            tabIndex={-1}
            title={trans.__('Copy the value')}
            aria-label={trans.__('Copy the value of %1', tag.keyword)}
            onClick={() => this._copy(tag)}
          >
            <copyIcon.react tag="span" width="14px" />
          </button>
        )}
      </div>
    );
  }

  private _key(event: KeyboardEvent): void {
    const page = Math.max(1, Math.floor(this._height / TAG_HEIGHT) - 2);
    const steps: Record<string, number> = {
      ArrowDown: this._active + 1,
      ArrowUp: this._active - 1,
      PageDown: this._active + page,
      PageUp: this._active - page,
      Home: 0,
      End: this._pages.total - 1
    };
    const tag = this._pages.row(this._active);
    if (event.key in steps) {
      this._goTo(steps[event.key]);
      this._bringIntoView(event.currentTarget);
    } else if (
      event.key === 'c' &&
      (event.ctrlKey || event.metaKey) &&
      tag &&
      (this._showsNames || !tag.identifies)
    ) {
      this._copy(tag);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  private _copy(tag: ITag): void {
    Clipboard.copyToSystem(tag.value);
    this._said = this._trans.__('Copied');
    this.update();
  }

  private _goTo(place: number): void {
    this._active = Math.min(Math.max(0, place), this._pages.total - 1);
    this.update();
  }

  private _bringIntoView(table: Element): void {
    const top = this._active * TAG_HEIGHT;
    // The head stays where it is, above the rows.
    const room = table.clientHeight - 2 * TAG_HEIGHT;
    if (top < table.scrollTop) {
      table.scrollTop = top;
    } else if (top > table.scrollTop + room) {
      table.scrollTop = top - room;
    }
  }

  private _look(table: Element): void {
    this._top = table.scrollTop;
    this._measure(table);
    this.update();
  }

  private _measure(table: Element): void {
    this._height = table.clientHeight;
  }

  private _follow(): void {
    if (this._showsNames !== this._catalog.showsNames) {
      this._showsNames = this._catalog.showsNames;
      this._said = this._showsNames
        ? this._trans.__('Patient names are shown')
        : this._trans.__('Patient names are hidden');
      this._reload();
    }
  }

  private _reload(): void {
    this._pages.dispose();
    this._pages = this._search();
    this._top = 0;
    this.node.querySelector('.medlab-Tags-table')?.scrollTo(0, 0);
    this.update();
  }

  private _search(): Pages<ITag> {
    const { server } = this._catalog;
    const words = this._words;
    const isPrivate = this._showsNames;
    const pages = new Pages<ITag>(
      async (offset, limit, signal) => {
        const rows = { offset, limit, private: isPrivate };
        const found = await fetchTags(server, this.scan, words, rows, signal);
        return { rows: found.tags, total: found.total };
      },
      error => {
        this._error =
          error === undefined
            ? null
            : error instanceof ServerError
              ? error
              : new ServerError(0, 'unreadable-reply', String(error));
        this.update();
      }
    );
    void pages.start();
    return pages;
  }

  private _rowId(place: number): string {
    return `medlab-tag-${this.scan}-${place}`;
  }

  private _active = 0;
  private _error: ServerError | null = null;
  private _height = 800;
  private _numbered = true;
  private _pages: Pages<ITag>;
  private _said = '';
  private _showsNames: boolean;
  private _top = 0;
  private _words = '';
}

function nameOf(tag: ITag, trans: TranslationBundle): string {
  const name = tag.keyword || (tag.is_private ? '' : trans.__('Unknown'));
  return tag.is_private ? trans.__('%1 (private)', name).trim() : name;
}

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { PointerEvent, ReactElement } from 'react';

import type { IScan } from '../server/types';
import { scansIcon } from '../ui/icons';
import type { IScanActions } from './actions';
import type { ScanCatalog } from './catalog';
import { ChosenScans } from './chosen';
import { ScanDetails } from './details';
import { ScanHeader } from './header';
import { IndexingBar } from './indexing';
import { ScanList } from './list';
import { type IListHost, ListInput } from './list_input';
import { NoScans, ServerProblem } from './nothing';
import { ReadOnlyNote } from './read_only';
import type { IRow, Rows } from './rows';
import { MOST_CHOSEN, Selection } from './selection';
import { Thumbnails } from './thumbnails';

/** What the panel asks of JupyterLab around it. */
export interface IPanelActions extends IScanActions {
  drag(scans: readonly IScan[], row: HTMLElement, event: PointerEvent): void;
  /** Keeps how the scans are shown, for the next time. */
  keep(key: string, value: boolean | string): void;
  /** Finds scans on servers; null where none is set up. */
  readonly find: (() => void) | null;
}

/** Left sidebar: every scan below the Jupyter root. */
export class ScanBrowser extends ReactWidget implements IListHost {
  constructor(
    private readonly _catalog: ScanCatalog,
    private readonly _trans: TranslationBundle,
    private readonly _actions: IPanelActions
  ) {
    super();
    this._thumbnails = new Thumbnails(_catalog.server);
    this.id = 'medlab-scan-browser';
    this.addClass('medlab-Panel');
    this.addClass('medlab-ScanBrowser');
    this.title.icon = scansIcon;
    this.title.caption = _trans.__('Scans');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Scans'));
    this._showedNames = _catalog.showsNames;
    _catalog.changed.connect(this._follow, this);
  }

  readonly selection = new Selection();

  get rows(): Rows {
    return this._catalog.rows;
  }

  /** The scan that commands without arguments act on. */
  get selected(): IScan | null {
    const active = this.rows.row(this.selection.active)?.scan;
    return active && this.selection.has(active.id)
      ? active
      : (this.selection.chosen[0] ?? null);
  }

  open(scan: IScan): void {
    this._actions.open(scan);
  }

  insertLoad(scan: IScan): void {
    this._actions.insertLoad(scan);
  }

  insertAnnotate(scan: IScan): void {
    this._actions.insertAnnotate(scan);
  }

  drag(scans: readonly IScan[], row: HTMLElement, event: PointerEvent): void {
    this._actions.drag(scans, row, event);
  }

  chooseGroup(row: IRow): void {
    this.selection.moveTo(row);
    void this._chooseGroup(row);
  }

  tooMany(): void {
    const most = MOST_CHOSEN.toLocaleString();
    this._say(
      this._trans.__('At most %1 scans are selected: the first ones.', most)
    );
  }

  override dispose(): void {
    this._thumbnails.dispose();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._catalog.watch();
  }

  protected override onBeforeHide(message: Message): void {
    this._catalog.unwatch();
    super.onBeforeHide(message);
  }

  protected override onBeforeDetach(message: Message): void {
    this._catalog.unwatch();
    super.onBeforeDetach(message);
  }

  protected override render(): ReactElement {
    return (
      <UseSignal signal={this._catalog.changed}>
        {() => this._content()}
      </UseSignal>
    );
  }

  private _content(): ReactElement {
    const catalog = this._catalog;
    const trans = this._trans;
    return (
      <>
        <ScanHeader
          catalog={catalog}
          trans={trans}
          words={this._words}
          onWords={words => this._search(words)}
          onView={view => this._show(view)}
          onNames={isOn => this._showNames(isOn)}
          onSort={(sort, descending) => this._sort(sort, descending)}
          onList={() => this._focusList()}
          onFind={this._actions.find}
        />
        <ReadOnlyNote indexing={catalog.indexing} trans={trans} />
        <IndexingBar
          indexing={catalog.indexing}
          trans={trans}
          onCancel={() => void catalog.cancelIndexing()}
          onStart={() => void catalog.refresh().catch(() => undefined)}
        />
        {catalog.error && (
          <ServerProblem
            error={catalog.error}
            trans={trans}
            onRetry={() => void catalog.refresh().catch(() => undefined)}
          />
        )}
        {this.rows.count > 0 ? (
          <ScanList
            rows={this.rows}
            selection={this.selection}
            thumbnails={this._thumbnails}
            trans={trans}
            input={this._input}
          />
        ) : (
          <NoScans
            catalog={catalog}
            trans={trans}
            onShowAll={() => this._showAll()}
          />
        )}
        {this._footer()}
        <div className="medlab-VisuallyHidden" role="status">
          {this._said}
        </div>
      </>
    );
  }

  private _footer(): ReactElement | null {
    const { chosen } = this.selection;
    const shared = { trans: this._trans, actions: this._actions };
    if (chosen.length > 1) {
      const clear = () => {
        this.selection.clear();
        this.update();
      };
      return <ChosenScans scans={chosen} {...shared} onClear={clear} />;
    }
    return chosen.length === 1 ? (
      <ScanDetails scan={chosen[0]} {...shared} />
    ) : null;
  }

  private _follow(): void {
    const { showsNames } = this._catalog;
    if (this._showedNames !== showsNames) {
      this._showedNames = showsNames;
      if (!showsNames) {
        this.selection.hideNames();
      }
      this._said = showsNames
        ? this._trans.__('Patient names are shown')
        : this._trans.__('Patient names are hidden');
    }
    this.selection.follow(this.rows);
    if (this._showedRows !== this.rows) {
      this._showedRows = this.rows;
      const { chosen } = this.selection;
      // Several stay chosen from search to search; one that is gone would only confuse.
      if (chosen.length === 1 && this.rows.placeOf(chosen[0].id) < 0) {
        this.selection.clear();
      }
    }
  }

  private _search(words: string): void {
    this._words = words;
    this.update();
    this._catalog.set({ words });
    this._toTop();
  }

  private _showAll(): void {
    this._words = '';
    this._catalog.set({
      words: '',
      problems: null,
      modality: null,
      labels: null
    });
  }

  private _show(view: 'list' | 'tree'): void {
    this._catalog.show({ view });
    this._actions.keep('view', view);
    this._toTop();
  }

  private _showNames(names: boolean): void {
    this._catalog.show({ names });
    this._actions.keep('showPatientNames', names);
  }

  private _sort(sort: string, descending: boolean): void {
    this._catalog.set({ sort, descending });
    this._actions.keep('sort', sort);
    this._actions.keep('descending', descending);
    this._toTop();
  }

  private async _chooseGroup(row: IRow): Promise<void> {
    const group =
      row.kind === 'patient' ? { patient: row.key } : { study: row.key };
    const query = { ...this._catalog.query, ...group };
    try {
      const page = await this._catalog.search(query, { limit: MOST_CHOSEN });
      if (!this.selection.add(page.scans) || page.total > MOST_CHOSEN) {
        this.tooMany();
      }
    } catch {
      // The catalog says by itself when the server does not answer.
    }
    this.update();
  }

  private _say(sentence: string): void {
    this._said = sentence;
    this.update();
  }

  private _toTop(): void {
    this._input.scrolls();
    this.node.querySelector('.medlab-ScanBrowser-list')?.scrollTo(0, 0);
  }

  private _focusList(): void {
    this.node.querySelector<HTMLElement>('.medlab-ScanBrowser-list')?.focus();
  }

  private readonly _input = new ListInput(this);
  /** Told to those who cannot see what has changed. */
  private _said = '';
  private _showedNames: boolean;
  private _showedRows: Rows | null = null;
  private readonly _thumbnails: Thumbnails;
  private _words = '';
}

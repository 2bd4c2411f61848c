import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import type { IFoundSeries } from '../server/dicomweb';
import { archiveIcon } from '../ui/icons';
import type { Archive } from './archive';
import { SeriesTable } from './series_table';

/** Main area: looks for series on the administrator's servers and fetches them. */
export class ArchivePanel extends ReactWidget {
  constructor(
    private readonly _archive: Archive,
    private readonly _trans: TranslationBundle,
    private readonly _openScan: (scan: IFoundSeries) => void
  ) {
    super();
    this.id = 'medlab-archive';
    this.addClass('medlab-Archive');
    this.title.label = _trans.__('Scans on a Server');
    this.title.icon = archiveIcon;
    this.title.closable = true;
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Scans on a server'));
  }

  protected override render(): ReactElement {
    return (
      <UseSignal signal={this._archive.changed}>
        {() => (
          <>
            {this._form()}
            {this._problem()}
            {this._state()}
          </>
        )}
      </UseSignal>
    );
  }

  private _form(): ReactElement {
    const archive = this._archive;
    const trans = this._trans;
    return (
      <form
        className="medlab-Archive-form"
        role="search"
        onSubmit={event => {
          event.preventDefault();
          this._search();
        }}
      >
        <select
          className="medlab-Input medlab-Archive-server"
          aria-label={trans.__('Server')}
          value={archive.chosen?.name}
          onChange={event => archive.choose(event.target.value)}
        >
          {archive.servers.map(server => (
            <option key={server.name} value={server.name}>
              {server.title}
            </option>
          ))}
        </select>
        <input
          type="search"
          className="medlab-Input"
          placeholder={trans.__(
            'Patient, id, description, date, modality: every word must occur'
          )}
          aria-label={trans.__('Search words')}
          value={this._words}
          spellCheck={false}
          autoComplete="off"
          onChange={event => {
            this._words = event.target.value;
            this.update();
          }}
        />
        <button type="submit" className="medlab-Button medlab-mod-accept">
          {trans.__('Search')}
        </button>
        <label className="medlab-Archive-names">
          <input
            type="checkbox"
            checked={this._showsNames}
            onChange={event => {
              this._showsNames = event.target.checked;
              this.update();
              if (archive.found) {
                this._search();
              }
            }}
          />
          {trans.__('Show patient names')}
        </label>
      </form>
    );
  }

  private _problem(): ReactElement | null {
    const { error } = this._archive;
    const trans = this._trans;
    if (!error) {
      return null;
    }
    const title = error.isOffline
      ? trans.__('The Jupyter server does not answer.')
      : trans.__('That did not work.');
    return (
      <div className="medlab-Problem" role="alert">
        <p>
          <strong>{title}</strong> {error.message}
        </p>
        <button className="medlab-Button" onClick={() => this._search()}>
          {trans.__('Try again')}
        </button>
      </div>
    );
  }

  private _state(): ReactElement | null {
    const archive = this._archive;
    const trans = this._trans;
    const { found } = archive;
    if (archive.isSearching) {
      return (
        <p className="medlab-Panel-quiet" role="status">
          {trans.__('Searching…')}
        </p>
      );
    }
    if (!found) {
      return archive.error ? null : (
        <p className="medlab-Panel-quiet">
          {trans.__(
            'Search for series, and fetch those you want to work with. They then stand in the list of scans.'
          )}
        </p>
      );
    }
    const count = trans._n('%1 series', '%1 series', found.length);
    const more = trans.__(
      '%1 series, and perhaps more: narrow the search',
      found.length
    );
    return (
      <>
        <p className="medlab-Archive-count" role="status">
          {archive.more ? more : count}
        </p>
        {found.length > 0 && (
          <SeriesTable
            archive={archive}
            found={found}
            showsNames={this._showsNames}
            trans={trans}
            onOpen={this._openScan}
          />
        )}
      </>
    );
  }

  private _search(): void {
    void this._archive.search(this._words, this._showsNames);
  }

  private _showsNames = false;
  private _words = '';
}

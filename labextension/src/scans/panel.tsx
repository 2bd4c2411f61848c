import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, refreshIcon, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { PointerEvent, ReactElement } from 'react';

import { formatBytes, formatShape, formatSpacing } from '../ui/format';
import { scansIcon } from '../ui/icons';
import type { IScan } from '../server/types';
import type { ScanCatalog } from './catalog';
import { filterScans } from './filter';
import { ScanList } from './list';
import { type IScanActions, originOf } from './row';
import { Thumbnails } from './thumbnails';

/** Left sidebar: every scan below the Jupyter root. */
export class ScanBrowser extends ReactWidget {
  constructor(
    private readonly _catalog: ScanCatalog,
    private readonly _trans: TranslationBundle,
    private readonly _actions: IScanActions & {
      drag(scan: IScan, event: PointerEvent): void;
    }
  ) {
    super();
    this._thumbnails = new Thumbnails(_catalog.server);
    this.id = 'medlab-scan-browser';
    this.addClass('medlab-ScanBrowser');
    this.title.icon = scansIcon;
    this.title.caption = _trans.__('Scans');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Scans'));
  }

  /** The scan that commands without arguments act on. */
  get selected(): IScan | null {
    return this._catalog.scans.find(scan => scan.id === this._selected) ?? null;
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
    const { scans } = this._catalog;
    const shown = filterScans(scans, this._words);
    return (
      <>
        {this._header(shown.length)}
        {this._problem()}
        {shown.length > 0 ? (
          <ScanList
            scans={shown}
            selected={this._selected}
            thumbnails={this._thumbnails}
            trans={this._trans}
            actions={this._actions}
            onSelect={scan => this._select(scan)}
            onGrab={(scan, event) => this._actions.drag(scan, event)}
          />
        ) : (
          this._nothing()
        )}
        {this.selected && shown.includes(this.selected) && (
          <Details
            scan={this.selected}
            trans={this._trans}
            actions={this._actions}
          />
        )}
      </>
    );
  }

  private _header(shown: number): ReactElement {
    const trans = this._trans;
    const { scans, isKnown, isLoading } = this._catalog;
    const count =
      shown === scans.length
        ? trans._n('%1 scan', '%1 scans', scans.length)
        : trans.__('%1 of %2 scans', shown, scans.length);
    return (
      <div className="medlab-ScanBrowser-header">
        <div className="medlab-Panel-heading">
          <h2>{trans.__('Scans')}</h2>
          <span className="medlab-ScanBrowser-count" role="status">
            {isKnown ? count : ''}
          </span>
          <button
            className="medlab-IconButton medlab-ScanBrowser-refresh"
            title={trans.__('Look for scans again')}
            aria-label={trans.__('Look for scans again')}
            aria-busy={isLoading}
            onClick={() => void this._catalog.refresh().catch(() => undefined)}
          >
            <refreshIcon.react tag="span" width="16px" />
          </button>
        </div>
        <input
          type="search"
          className="medlab-Input"
          placeholder={trans.__('Filter scans…')}
          aria-label={trans.__('Filter scans')}
          value={this._words}
          spellCheck={false}
          onChange={event => {
            this._words = event.target.value;
            this.update();
          }}
          onKeyDown={event => {
            if (event.key === 'ArrowDown') {
              event.preventDefault();
              this._focusList();
            }
          }}
        />
      </div>
    );
  }

  private _problem(): ReactElement | null {
    const { error } = this._catalog;
    const trans = this._trans;
    if (!error) {
      return null;
    }
    return (
      <div className="medlab-Problem" role="alert">
        <p>
          <strong>{trans.__('Cannot list the scans.')}</strong> {error.message}
        </p>
        <button
          className="medlab-Button"
          onClick={() => void this._catalog.refresh().catch(() => undefined)}
        >
          {trans.__('Try again')}
        </button>
      </div>
    );
  }

  private _nothing(): ReactElement | null {
    const trans = this._trans;
    if (!this._catalog.isKnown) {
      return this._catalog.error ? null : (
        <p className="medlab-Panel-quiet" role="status">
          {trans.__('Looking for scans…')}
        </p>
      );
    }
    if (this._catalog.scans.length > 0) {
      return (
        <div className="medlab-Panel-quiet">
          <p>{trans.__('No scan matches these words.')}</p>
          <button className="medlab-Button" onClick={() => this._clearFilter()}>
            {trans.__('Show all scans')}
          </button>
        </div>
      );
    }
    return <EmptyState trans={trans} />;
  }

  private _select(scan: IScan): void {
    if (scan.id !== this._selected) {
      this._selected = scan.id;
      this.update();
    }
  }

  private _clearFilter(): void {
    this._words = '';
    this.update();
  }

  private _focusList(): void {
    this.node.querySelector<HTMLElement>('.medlab-ScanBrowser-list')?.focus();
  }

  private _selected: string | null = null;
  private readonly _thumbnails: Thumbnails;
  private _words = '';
}

const SAMPLE_COMMAND = 'medlab samples ct-chest-small';

function EmptyState(props: { trans: TranslationBundle }): ReactElement {
  const { trans } = props;
  return (
    <div className="medlab-Panel-empty">
      <scansIcon.react tag="span" width="48px" />
      <h3>{trans.__('No scans here yet')}</h3>
      <p>
        {trans.__(
          'This list shows every scan below the folder JupyterLab was started in: DICOM series, NIfTI (.nii, .nii.gz), NRRD (.nrrd, .nhdr) and MetaImage (.mha, .mhd).'
        )}
      </p>
      <p>
        {trans.__(
          'Copy scans there, or get a small chest CT to try medlab with. In a terminal:'
        )}
      </p>
      <code>{SAMPLE_COMMAND}</code>
    </div>
  );
}

function Details(props: {
  scan: IScan;
  trans: TranslationBundle;
  actions: IScanActions;
}): ReactElement {
  const { scan, trans, actions } = props;
  const facts: [string, string][] = [];
  if (scan.shape?.length) {
    facts.push([trans.__('Size'), formatShape(scan.shape)]);
  }
  if (scan.spacing_mm?.length) {
    facts.push([trans.__('Spacing'), formatSpacing(scan.spacing_mm)]);
  }
  if (scan.orientation) {
    facts.push([trans.__('Axes'), scan.orientation]);
  }
  facts.push([
    trans.__('File'),
    `${scan.path} (${formatBytes(scan.size_bytes)})`
  ]);
  if (scan.layers.length > 0) {
    facts.push([trans.__('Labels'), scan.layers.join(', ')]);
  }
  return (
    <section
      className="medlab-ScanDetails"
      aria-label={trans.__('Selected scan')}
    >
      <h3>{scan.name}</h3>
      {originOf(scan) !== scan.path && <p>{originOf(scan)}</p>}
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {scan.error && <p className="medlab-ScanDetails-error">{scan.error}</p>}
      {scan.warnings.map(warning => (
        <p key={warning} className="medlab-ScanDetails-warning">
          {warning}
        </p>
      ))}
      {!scan.error && (
        <div className="medlab-ScanDetails-buttons">
          <button
            className="medlab-Button medlab-mod-accept"
            onClick={() => actions.open(scan)}
          >
            {trans.__('Open')}
          </button>
          <button
            className="medlab-Button"
            title={trans.__('Insert a cell that loads this scan')}
            onClick={() => actions.insertLoad(scan)}
          >
            {trans.__('Load in notebook')}
          </button>
          <button
            className="medlab-Button"
            title={trans.__('Insert a cell that annotates this scan')}
            onClick={() => actions.insertAnnotate(scan)}
          >
            {trans.__('Annotate')}
          </button>
        </div>
      )}
    </section>
  );
}

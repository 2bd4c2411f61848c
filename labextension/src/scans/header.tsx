import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';
import type { ReactElement } from 'react';

import {
  archiveIcon,
  ascendingIcon,
  descendingIcon,
  flatIcon,
  treeIcon
} from '../ui/icons';
import type { ScanCatalog } from './catalog';
import { MODALITIES, SORTS } from './choices';
import { NamesSwitch } from './names_switch';

export interface IHeaderProps {
  catalog: ScanCatalog;
  trans: TranslationBundle;
  /** What was typed, which may be ahead of what is shown. */
  words: string;
  onWords(words: string): void;
  onView(view: 'list' | 'tree'): void;
  onNames(shows: boolean): void;
  onSort(sort: string, descending: boolean): void;
  onList(): void;
  /** Finds scans on servers; null where none is set up. */
  onFind: (() => void) | null;
}

/** What is above the list: how many, how they are shown, search, filters, order. */
export function ScanHeader(props: IHeaderProps): ReactElement {
  const { catalog, trans } = props;
  const isTree = catalog.view === 'tree';
  const count = catalog.isKnown ? countOf(catalog, trans) : '';
  return (
    <div className="medlab-ScanBrowser-header">
      <div className="medlab-Panel-heading">
        <h2>{trans.__('Scans')}</h2>
        <span className="medlab-ScanBrowser-count" role="status" title={count}>
          {count}
        </span>
        {props.onFind && (
          <button
            className="medlab-IconButton"
            title={trans.__('Find scans on a server')}
            aria-label={trans.__('Find scans on a server')}
            onClick={props.onFind}
          >
            <archiveIcon.react tag="span" width="16px" />
          </button>
        )}
        <button
          className="medlab-IconButton medlab-ScanBrowser-view"
          title={trans.__('Group by patient and study')}
          aria-label={trans.__('Group by patient and study')}
          aria-pressed={isTree}
          onClick={() => props.onView(isTree ? 'list' : 'tree')}
        >
          {isTree ? (
            <treeIcon.react tag="span" width="16px" />
          ) : (
            <flatIcon.react tag="span" width="16px" />
          )}
        </button>
        <button
          className="medlab-IconButton medlab-ScanBrowser-refresh"
          title={trans.__('Look for scans again')}
          aria-label={trans.__('Look for scans again')}
          aria-busy={catalog.isLoading}
          onClick={() => void catalog.refresh().catch(() => undefined)}
        >
          <refreshIcon.react tag="span" width="16px" />
        </button>
      </div>
      <input
        type="search"
        className="medlab-Input"
        placeholder={trans.__('Filter scans…')}
        aria-label={trans.__('Filter scans')}
        title={trans.__(
          'Patient, modality, date, description, body part, file name, “labelled”: every word must occur'
        )}
        value={props.words}
        maxLength={500}
        spellCheck={false}
        autoComplete="off"
        onChange={event => props.onWords(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'ArrowDown') {
            event.preventDefault();
            props.onList();
          }
        }}
      />
      <div className="medlab-ScanBrowser-tools">
        <Filters {...props} />
        <Order {...props} />
        <NamesSwitch
          isOn={catalog.showsNames}
          isShort
          trans={trans}
          onChange={props.onNames}
        />
      </div>
    </div>
  );
}

/** `3 scans`, or `2 of 100,000 scans`. */
export function countOf(
  catalog: ScanCatalog,
  trans: TranslationBundle
): string {
  const { found, count } = catalog;
  const all = count.toLocaleString();
  return found === count
    ? trans._n('%2 scan', '%2 scans', count, all)
    : trans.__('%1 of %2 scans', found.toLocaleString(), all);
}

function Filters(props: IHeaderProps): ReactElement {
  const { catalog, trans } = props;
  const { problems, labels, modality } = catalog.query;
  const chips = [
    {
      words: trans.__('Errors'),
      isOn: problems === 'errors',
      set: (isOn: boolean) => ({ problems: isOn ? ('errors' as const) : null })
    },
    {
      words: trans.__('Warnings'),
      isOn: problems === 'warnings',
      set: (isOn: boolean) => ({
        problems: isOn ? ('warnings' as const) : null
      })
    },
    {
      words: trans.__('Labelled'),
      isOn: labels === true,
      set: (isOn: boolean) => ({ labels: isOn ? true : null })
    },
    {
      words: trans.__('Unlabelled'),
      isOn: labels === false,
      set: (isOn: boolean) => ({ labels: isOn ? false : null })
    }
  ];
  const known: readonly string[] = MODALITIES;
  const offered =
    modality && !known.includes(modality) ? [modality, ...known] : known;
  return (
    <div
      className="medlab-ScanBrowser-filters"
      role="group"
      aria-label={trans.__('Show only')}
    >
      <select
        className="medlab-FilterChip"
        aria-label={trans.__('Modality')}
        data-on={modality !== null}
        value={modality ?? ''}
        onChange={event =>
          catalog.set({ modality: event.target.value || null })
        }
      >
        <option value="">{trans.__('Modality')}</option>
        {offered.map(one => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
      {chips.map(({ words, isOn, set }) => (
        <button
          key={words}
          className="medlab-FilterChip"
          aria-pressed={isOn}
          onClick={() => catalog.set(set(!isOn))}
        >
          {words}
        </button>
      ))}
    </div>
  );
}

function Order(props: IHeaderProps): ReactElement {
  const { trans } = props;
  const { sort, descending } = props.catalog.query;
  const words = descending
    ? trans.__('Descending: press for ascending')
    : trans.__('Ascending: press for descending');
  return (
    <span className="medlab-ScanBrowser-order">
      <select
        className="medlab-FilterChip"
        aria-label={trans.__('Sort by')}
        title={trans.__('Sort by')}
        value={sort}
        onChange={event => props.onSort(event.target.value, descending)}
      >
        {SORTS.map(({ key, label }) => (
          <option key={key} value={key}>
            {label(trans)}
          </option>
        ))}
      </select>
      <button
        className="medlab-IconButton"
        title={words}
        aria-label={words}
        onClick={() => props.onSort(sort, !descending)}
      >
        {descending ? (
          <descendingIcon.react tag="span" width="14px" />
        ) : (
          <ascendingIcon.react tag="span" width="14px" />
        )}
      </button>
    </span>
  );
}

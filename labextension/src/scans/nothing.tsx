import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import type { ServerError } from '../server/connection';
import { scansIcon } from '../ui/icons';
import type { ScanCatalog } from './catalog';

const SAMPLE_COMMAND = 'medlab samples ct-chest-small';

/** What the server said went wrong, or that it says nothing any more. */
export function ServerProblem(props: {
  error: ServerError;
  trans: TranslationBundle;
  onRetry(): void;
}): ReactElement {
  const { error, trans } = props;
  const { title, hint } = error.fields;
  const words = error.isOffline
    ? trans.__('No connection.')
    : typeof title === 'string' && title
      ? title
      : trans.__('Cannot list the scans.');
  return (
    <div className="medlab-Problem" role="alert">
      <p>
        <strong>{words}</strong> {error.message}
      </p>
      {typeof hint === 'string' && hint && !error.message.includes(hint) && (
        <p>{hint}</p>
      )}
      <button className="medlab-Button" onClick={props.onRetry}>
        {trans.__('Try again')}
      </button>
    </div>
  );
}

/** In the place of the list when it has no rows. */
export function NoScans(props: {
  catalog: ScanCatalog;
  trans: TranslationBundle;
  onShowAll(): void;
}): ReactElement | null {
  const { catalog, trans } = props;
  if (!catalog.isKnown) {
    return catalog.error ? null : (
      <p className="medlab-Panel-quiet" role="status">
        {trans.__('Looking for scans…')}
      </p>
    );
  }
  if (catalog.count > 0) {
    return (
      <div className="medlab-Panel-quiet">
        <p>
          {catalog.query.words
            ? trans.__('No scan matches these words.')
            : trans.__('No scan is of this kind.')}
        </p>
        <button className="medlab-Button" onClick={props.onShowAll}>
          {trans.__('Show all scans')}
        </button>
      </div>
    );
  }
  if (catalog.indexing.state === 'running') {
    return null; // The bar above says what is going on.
  }
  return (
    <div className="medlab-Panel-empty">
      <scansIcon.react tag="span" width="48px" />
      <h3>{trans.__('No scans here yet')}</h3>
      <p>
        {trans.__(
          'This list shows every scan below the folder JupyterLab was started in: DICOM, NIfTI, NRRD, MetaImage, OME-Zarr, NumPy arrays and pictures.'
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

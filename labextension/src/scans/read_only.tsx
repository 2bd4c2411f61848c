import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import type { IIndexing } from '../server/types';

/** A quiet line where nothing can be kept below the root: before somebody draws. */
export function ReadOnlyNote(props: {
  indexing: IIndexing;
  trans: TranslationBundle;
}): ReactElement | null {
  const { indexing, trans } = props;
  return indexing.read_only ? (
    <p className="medlab-ScanBrowser-note">
      {trans.__(
        'This folder is read-only: scans are shown, but labels and runs cannot be saved. To save them, start Jupyter with MEDLAB_HOME set to a folder of yours.'
      )}
    </p>
  ) : null;
}

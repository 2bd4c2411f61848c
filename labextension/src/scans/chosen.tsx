import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import type { IScan } from '../server/types';
import { formatBytes } from '../ui/format';
import type { IScanActions } from './actions';
import { MOST_COMPARED } from './compare';

/** What can be done with several scans at once. */
export function ChosenScans(props: {
  scans: readonly IScan[];
  trans: TranslationBundle;
  actions: IScanActions;
  onClear(): void;
}): ReactElement {
  const { scans, trans, actions } = props;
  const readable = scans.filter(scan => !scan.error);
  const bytes = scans.reduce((sum, scan) => sum + scan.size_bytes, 0);
  const canCompare = readable.length > 1 && readable.length <= MOST_COMPARED;
  return (
    <section
      className="medlab-ScanDetails"
      aria-label={trans.__('Selected scans')}
    >
      <h3>{trans._n('%1 scan selected', '%1 scans selected', scans.length)}</h3>
      <p>
        {formatBytes(bytes)}
        {readable.length < scans.length &&
          ` · ${trans.__('%1 cannot be read', scans.length - readable.length)}`}
      </p>
      <div className="medlab-ScanDetails-buttons">
        <button
          className="medlab-Button medlab-mod-accept"
          disabled={!canCompare}
          title={
            readable.length > MOST_COMPARED
              ? trans.__('At most %1 scans lie side by side', MOST_COMPARED)
              : trans.__('Open these scans side by side')
          }
          onClick={() => actions.compare(readable)}
        >
          {trans.__('Compare')}
        </button>
        <button
          className="medlab-Button"
          disabled={readable.length === 0}
          title={trans.__('Insert a cell that lists these scans')}
          onClick={() => actions.insertDataset(readable)}
        >
          {trans.__('Use as dataset')}
        </button>
        <button className="medlab-Button" onClick={props.onClear}>
          {trans.__('Clear selection')}
        </button>
      </div>
    </section>
  );
}

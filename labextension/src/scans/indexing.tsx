import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useState } from 'react';

import type { IIndexing } from '../server/types';

/** How far the server is with reading the headers, while it is at it. */
export function IndexingBar(props: {
  indexing: IIndexing;
  trans: TranslationBundle;
  onCancel(): void;
  onStart(): void;
}): ReactElement | null {
  const { indexing, trans } = props;
  const { state, done, total, found, error } = indexing;
  if (state === 'idle') {
    return null;
  }
  if (state !== 'running') {
    return (
      <div className="medlab-Indexing" role="status">
        <span className="medlab-Indexing-words">
          {state === 'failed'
            ? error || trans.__('Looking for scans ended early.')
            : trans.__('Looking for scans was cancelled.')}
        </span>
        <button className="medlab-Button" onClick={props.onStart}>
          {trans.__('Go on')}
        </button>
      </div>
    );
  }
  const words =
    total === null
      ? trans.__('Looking for scans: %1 found', found.toLocaleString())
      : trans.__(
          'Reading %1 of %2, %3 scans found',
          done.toLocaleString(),
          total.toLocaleString(),
          found.toLocaleString()
        );
  return (
    <div className="medlab-Indexing">
      <div
        className="medlab-Indexing-bar"
        role="progressbar"
        aria-label={trans.__('Looking for scans')}
        aria-valuemin={0}
        aria-valuemax={total ?? undefined}
        aria-valuenow={total === null ? undefined : Math.min(done, total)}
        aria-valuetext={words}
      >
        <div
          className="medlab-Indexing-done"
          data-unknown={total === null}
          style={{
            width: `${total ? (100 * Math.min(done, total)) / total : 30}%`
          }}
        />
      </div>
      <span className="medlab-Indexing-words">{words}</span>
      <CancelButton trans={trans} onCancel={props.onCancel} />
    </div>
  );
}

/** The server ends what it has begun to read first: that may take seconds. */
function CancelButton(props: {
  trans: TranslationBundle;
  onCancel(): void;
}): ReactElement {
  const { trans } = props;
  const [isAsked, setAsked] = useState(false);
  const cancel = () => {
    setAsked(true);
    props.onCancel();
  };
  return (
    <button className="medlab-Button" disabled={isAsked} onClick={cancel}>
      {isAsked ? trans.__('Cancelling…') : trans.__('Cancel')}
    </button>
  );
}

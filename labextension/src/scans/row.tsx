import type { TranslationBundle } from '@jupyterlab/translation';
import { memo, type ReactElement, useEffect, useState } from 'react';

import { formatShape, formatSpacing } from '../ui/format';
import { annotateIcon, labelsIcon, loadCellIcon, scansIcon } from '../ui/icons';
import type { IScan } from '../server/types';
import { rowAria, rowClass, type IRowProps } from './row_parts';
import type { Thumbnails } from './thumbnails';
import { originOf, titleOf } from './words';

/** One scan: picture, name, who and what, geometry, labels or what is wrong. */
export const ScanRow = memo(function ScanRow(
  props: IRowProps & { scan: IScan; thumbnails: Thumbnails }
): ReactElement {
  const { scan, trans } = props;
  const origin = originOf(scan, props.isTree);
  return (
    <div
      {...rowAria(props)}
      className={rowClass(props, scan.error ? 'medlab-mod-unreadable' : '')}
      style={{ top: props.top, paddingLeft: indentOf(props) }}
      title={scan.path}
    >
      <Thumbnail scan={scan} thumbnails={props.thumbnails} />
      <div
        className="medlab-ScanRow-text"
        role={props.isTree ? 'gridcell' : undefined}
      >
        <div className="medlab-ScanRow-name">{titleOf(scan)}</div>
        {origin && (
          <div className="medlab-ScanRow-origin" title={origin}>
            {origin}
          </div>
        )}
        {scan.error ? (
          <RowError scan={scan} />
        ) : (
          <Geometry scan={scan} trans={trans} />
        )}
      </div>
      {!scan.error && <RowButtons trans={trans} />}
    </div>
  );
});

/** A row that has not come yet: it keeps its place. */
export const WaitingRow = memo(function WaitingRow(
  props: IRowProps & { height: number }
): ReactElement {
  return (
    <div
      {...rowAria(props)}
      aria-busy="true"
      className={rowClass(props, 'medlab-mod-waiting')}
      style={{ top: props.top, height: props.height }}
    >
      <span role={props.isTree ? 'gridcell' : undefined}>
        {props.trans.__('Loading…')}
      </span>
    </div>
  );
});

function indentOf(props: IRowProps): number | undefined {
  return props.isTree ? 8 + 14 * (props.level - 1) : undefined;
}

/** Size and spacing, as short as they can be read. */
function gridOf(scan: IScan): string[] {
  const { shape, spacing_mm, spacing_unit } = scan;
  return [
    ...(shape?.length ? [formatShape(shape)] : []),
    ...(spacing_mm?.length ? [formatSpacing(spacing_mm, spacing_unit)] : [])
  ].map(words => words.replaceAll(' × ', '×'));
}

/** What is wrong in a word or two, where the server has them, and in a sentence. */
function RowError({ scan }: { scan: IScan }): ReactElement {
  return (
    <div className="medlab-ScanRow-error" title={scan.error ?? ''}>
      {scan.error_title && <strong>{scan.error_title}: </strong>}
      {scan.error}
    </div>
  );
}

function Geometry(props: {
  scan: IScan;
  trans: TranslationBundle;
}): ReactElement {
  const { scan, trans } = props;
  const attached = scan.attachments?.length ?? 0;
  return (
    <div className="medlab-ScanRow-facts">
      {scan.modality && scan.modality !== 'unknown' && (
        <span className="medlab-Chip">{scan.modality}</span>
      )}
      {scan.frames > 1 && (
        <span className="medlab-Chip">
          {trans._n('%1 volume', '%1 volumes', scan.frames)}
        </span>
      )}
      {scan.labels && (
        <span
          className="medlab-Chip medlab-mod-labels"
          title={trans.__('Labels: %1', scan.layers.join(', '))}
        >
          <labelsIcon.react tag="span" width="10px" />
          {scan.layers.length > 0 ? scan.layers.join(', ') : trans.__('labels')}
        </span>
      )}
      {attached > 0 && (
        <span
          className="medlab-Chip"
          title={scan.attachments.map(({ name }) => name).join('\n')}
        >
          {trans._n('%1 label file', '%1 label files', attached)}
        </span>
      )}
      {scan.warnings.length > 0 && (
        <span
          className="medlab-Chip medlab-mod-warning"
          title={scan.warnings.join('\n')}
        >
          {trans._n('%1 warning', '%1 warnings', scan.warnings.length)}
        </span>
      )}
      {gridOf(scan).map(words => (
        <span key={words} className="medlab-ScanRow-grid">
          {words}
        </span>
      ))}
    </div>
  );
}

/** For the mouse; the footer below the list offers the same to the keyboard. */
function RowButtons({ trans }: { trans: TranslationBundle }): ReactElement {
  const buttons = [
    { icon: scansIcon, label: trans.__('Open'), does: 'open' },
    {
      icon: loadCellIcon,
      label: trans.__('Insert a cell that loads this scan'),
      does: 'insertLoad'
    },
    {
      icon: annotateIcon,
      label: trans.__('Insert a cell that annotates this scan'),
      does: 'insertAnnotate'
    }
  ];
  return (
    <div className="medlab-ScanRow-buttons" aria-hidden="true">
      {buttons.map(({ icon, label, does }) => (
        <button key={does} tabIndex={-1} title={label} data-does={does}>
          <icon.react tag="span" width="16px" />
        </button>
      ))}
    </div>
  );
}

function Thumbnail(props: {
  scan: IScan;
  thumbnails: Thumbnails;
}): ReactElement {
  const { scan, thumbnails } = props;
  const key = `${scan.id}:${scan.size_bytes}`;
  const [url, setUrl] = useState(() => thumbnails.known(key));
  const isReadable = !scan.error;
  useEffect(() => {
    const known = thumbnails.known(key);
    setUrl(known);
    if (known || !isReadable) {
      return;
    }
    const aborter = new AbortController();
    // Rows that only fly past ask for nothing.
    const timer = setTimeout(() => {
      thumbnails.load(key, scan.id, aborter.signal).then(
        picture => !aborter.signal.aborted && setUrl(picture),
        () => setUrl(null)
      );
    }, 80);
    return () => {
      clearTimeout(timer);
      aborter.abort();
    };
  }, [key, isReadable, thumbnails, scan.id]);
  return (
    <div className="medlab-ScanRow-picture">
      {url ? (
        <img src={url} alt="" draggable={false} />
      ) : (
        <scansIcon.react tag="span" width="24px" />
      )}
    </div>
  );
}

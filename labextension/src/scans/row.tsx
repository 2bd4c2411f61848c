import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useEffect, useState } from 'react';

import { formatShape, formatSpacing } from '../ui/format';
import { annotateIcon, labelsIcon, loadCellIcon, scansIcon } from '../ui/icons';
import type { IScan } from '../server/types';
import type { Thumbnails } from './thumbnails';

/** Height of one row in CSS pixels, the same in scans.css: the list draws by it. */
export const ROW_HEIGHT = 76;

/** What can be done with a scan. */
export interface IScanActions {
  open(scan: IScan): void;
  insertLoad(scan: IScan): void;
  insertAnnotate(scan: IScan): void;
}

export interface IRowProps {
  scan: IScan;
  id: string;
  top: number;
  /** Place in the whole list, from 1, and how long that is. */
  place: number;
  count: number;
  isSelected: boolean;
  thumbnails: Thumbnails;
  trans: TranslationBundle;
  actions: IScanActions;
  onSelect(): void;
  onGrab(event: React.PointerEvent): void;
}

/** One scan: picture, name, who and what, geometry, labels or what is wrong. */
export function ScanRow(props: IRowProps): ReactElement {
  const { scan, trans } = props;
  const classes = ['medlab-ScanRow'];
  if (props.isSelected) {
    classes.push('medlab-mod-selected');
  }
  if (scan.error) {
    classes.push('medlab-mod-unreadable');
  }
  return (
    <li
      id={props.id}
      role="option"
      aria-selected={props.isSelected}
      aria-posinset={props.place}
      aria-setsize={props.count}
      className={classes.join(' ')}
      style={{ top: props.top }}
      title={scan.path}
      onMouseDown={props.onSelect}
      onPointerDown={props.onGrab}
      onDoubleClick={() => !scan.error && props.actions.open(scan)}
    >
      <Thumbnail scan={scan} thumbnails={props.thumbnails} />
      <div className="medlab-ScanRow-text">
        <div className="medlab-ScanRow-name">{scan.name}</div>
        <div className="medlab-ScanRow-origin">{originOf(scan)}</div>
        {scan.error ? (
          <div className="medlab-ScanRow-error">{scan.error}</div>
        ) : (
          <Geometry scan={scan} trans={trans} />
        )}
      </div>
      {!scan.error && <RowButtons {...props} />}
    </li>
  );
}

/** Patient, study and series where there are any, else the folder of the file. */
export function originOf(scan: IScan): string {
  const words = [scan.patient, scan.study, scan.description, scan.date];
  const known = words.filter(word => word && word !== scan.name);
  return known.length > 0 ? known.join(' · ') : scan.path;
}

/** Size and spacing, as short as they can be read. */
function gridOf(scan: IScan): string {
  const parts: string[] = [];
  if (scan.shape?.length) {
    parts.push(formatShape(scan.shape));
  }
  if (scan.spacing_mm?.length) {
    parts.push(formatSpacing(scan.spacing_mm));
  }
  return parts.join(' · ').replaceAll(' × ', '×');
}

function Geometry(props: {
  scan: IScan;
  trans: TranslationBundle;
}): ReactElement {
  const { scan, trans } = props;
  return (
    <div className="medlab-ScanRow-facts">
      {scan.modality && scan.modality !== 'unknown' && (
        <span className="medlab-Chip">{scan.modality}</span>
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
      {scan.warnings.length > 0 && (
        <span
          className="medlab-Chip medlab-mod-warning"
          title={scan.warnings.join('\n')}
        >
          {trans._n('%1 warning', '%1 warnings', scan.warnings.length)}
        </span>
      )}
      <span className="medlab-ScanRow-grid">{gridOf(scan)}</span>
    </div>
  );
}

/** For the mouse; the footer below the list offers the same to the keyboard. */
function RowButtons(props: IRowProps): ReactElement {
  const { scan, trans, actions } = props;
  const buttons = [
    { icon: scansIcon, label: trans.__('Open'), run: actions.open },
    {
      icon: loadCellIcon,
      label: trans.__('Insert a cell that loads this scan'),
      run: actions.insertLoad
    },
    {
      icon: annotateIcon,
      label: trans.__('Insert a cell that annotates this scan'),
      run: actions.insertAnnotate
    }
  ];
  return (
    <div className="medlab-ScanRow-buttons" aria-hidden="true">
      {buttons.map(({ icon, label, run }) => (
        <button
          key={label}
          tabIndex={-1}
          title={label}
          onPointerDown={event => event.stopPropagation()}
          onDoubleClick={event => event.stopPropagation()}
          onClick={() => run(scan)}
        >
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

import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

import type { IFetchJob, IFoundSeries } from '../server/dicomweb';
import { formatBytes } from '../ui/format';
import { type Archive, isOnItsWay } from './archive';
import { SendLabels } from './send_labels';

export interface ITableProps {
  archive: Archive;
  found: readonly IFoundSeries[];
  showsNames: boolean;
  trans: TranslationBundle;
  onOpen(scan: IFoundSeries): void;
}

/** The series of a search, each with what can be done with it. */
export function SeriesTable(props: ITableProps): ReactElement {
  const { found, showsNames, trans } = props;
  return (
    <div className="medlab-Archive-scroller">
      <table className="medlab-Archive-table">
        <thead>
          <tr>
            <th>{trans.__('Date')}</th>
            <th>{trans.__('Modality')}</th>
            {showsNames && <th>{trans.__('Patient')}</th>}
            <th>{trans.__('Study')}</th>
            <th>{trans.__('Series')}</th>
            <th>{trans.__('Images')}</th>
            <th>{trans.__('Here')}</th>
          </tr>
        </thead>
        <tbody>
          {found.map(one => (
            <SeriesRow key={one.series} {...props} one={one} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SeriesRow(props: ITableProps & { one: IFoundSeries }): ReactElement {
  const { one, showsNames } = props;
  const patient = [one.patient, one.patient_id].filter(Boolean).join(' · ');
  const series = [one.number, one.description, one.body_part];
  return (
    <tr>
      <td>{formatDate(one.date)}</td>
      <td>
        {one.modality && <span className="medlab-Chip">{one.modality}</span>}
      </td>
      {showsNames && <td className="medlab-Archive-text">{patient}</td>}
      <td className="medlab-Archive-text">{one.study_description}</td>
      <td className="medlab-Archive-text">
        {series.filter(Boolean).join(' · ')}
      </td>
      <td className="medlab-Archive-number">{one.instances || ''}</td>
      <td className="medlab-Archive-actions">
        <Actions {...props} />
      </td>
    </tr>
  );
}

function Actions(props: ITableProps & { one: IFoundSeries }): ReactElement {
  const { archive, one, trans } = props;
  const job = archive.jobOf(one.series);
  if (job && isOnItsWay(job)) {
    return (
      <Progress
        job={job}
        trans={trans}
        onCancel={() => void archive.cancel(job)}
      />
    );
  }
  const { scan } = one;
  if (scan) {
    return (
      <>
        <button className="medlab-Button" onClick={() => props.onOpen(one)}>
          {trans.__('Open')}
        </button>
        {archive.chosen?.can_send && (
          <SendLabels
            server={archive.server}
            archive={archive.chosen}
            scan={scan}
            trans={trans}
          />
        )}
      </>
    );
  }
  return (
    <>
      <button
        className="medlab-Button medlab-mod-accept"
        onClick={() => void archive.fetch(one)}
      >
        {job ? trans.__('Go on') : trans.__('Fetch')}
      </button>
      {job?.state === 'cancelled' && (
        <span>{trans.__('%1 files are here', job.done)}</span>
      )}
      {job?.error && job.state === 'failed' && (
        <span className="medlab-Archive-error" role="alert">
          {job.error.message}
        </span>
      )}
    </>
  );
}

function Progress(props: {
  job: IFetchJob;
  trans: TranslationBundle;
  onCancel(): void;
}): ReactElement {
  const { job, trans } = props;
  const words =
    job.state === 'waiting'
      ? trans.__('Waiting')
      : job.total === null
        ? trans.__('Asking')
        : trans.__(
            '%1 of %2 · %3',
            job.done,
            job.total,
            formatBytes(job.received_bytes)
          );
  return (
    <>
      <progress
        aria-label={trans.__('Fetching')}
        value={job.total === null ? undefined : job.done}
        max={job.total ?? undefined}
      />
      <span role="status">{words}</span>
      <button className="medlab-Button" onClick={props.onCancel}>
        {trans.__('Cancel')}
      </button>
    </>
  );
}

/** `20240131` -> `2024-01-31`; whatever else a server says stays as it is. */
export function formatDate(date: string): string {
  const parts = /^(\d{4})(\d{2})(\d{2})$/.exec(date);
  return parts ? parts.slice(1).join('-') : date;
}

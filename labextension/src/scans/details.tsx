import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useEffect, useState } from 'react';

import type { IScan } from '../server/types';
import { formatBytes, formatShape, formatSpacing } from '../ui/format';
import type { IScanActions } from './actions';
import { ScanError, ScanWarnings } from './problem';
import { titleOf, wordsOf } from './words';

export interface IDetailsProps {
  scan: IScan;
  trans: TranslationBundle;
  actions: IScanActions;
}

/** What is known of the one chosen scan, and what can be done with it. */
export function ScanDetails(props: IDetailsProps): ReactElement {
  const { scan, trans } = props;
  const [frame, setFrame] = useState(0);
  useEffect(() => setFrame(0), [scan.id]);
  return (
    <section
      className="medlab-ScanDetails"
      aria-label={trans.__('Selected scan')}
    >
      <h3>{titleOf(scan)}</h3>
      {wordsOf(scan) && <p>{wordsOf(scan)}</p>}
      <dl>
        {factsOf(scan, trans).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {scan.error && (
        <ScanError
          message={scan.error}
          title={scan.error_title}
          trans={trans}
        />
      )}
      <ScanWarnings warnings={scan.warnings} trans={trans} />
      {scan.frames > 1 && (
        <Volumes scan={scan} frame={frame} trans={trans} onChange={setFrame} />
      )}
      <Attachments {...props} />
      <Buttons {...props} frame={frame} />
    </section>
  );
}

/** What the details say of a scan, in the order of reading. */
export function factsOf(
  scan: IScan,
  trans: TranslationBundle
): [string, string][] {
  const facts: [string, string][] = [];
  const add = (name: string, value: string | null | undefined) => {
    if (value) {
      facts.push([name, value]);
    }
  };
  add(trans.__('Patient no.'), scan.patient_id);
  add(trans.__('Body part'), scan.body_part);
  if (scan.shape?.length) {
    add(trans.__('Size'), formatShape(scan.shape));
  }
  if (scan.spacing_mm?.length) {
    const isUnknown = scan.spacing_unit === 'pixels';
    const spacing = formatSpacing(scan.spacing_mm, scan.spacing_unit);
    add(
      trans.__('Spacing'),
      isUnknown ? trans.__('%1 (not known in mm)', spacing) : spacing
    );
  }
  add(trans.__('Axes'), scan.orientation);
  if (scan.frames > 1) {
    add(trans.__('Volumes'), String(scan.frames));
  }
  add(trans.__('File'), `${scan.path} (${formatBytes(scan.size_bytes)})`);
  if (scan.source === 'dicomweb') {
    add(trans.__('From'), trans.__('DICOMweb'));
  }
  add(trans.__('Labels'), scan.layers.join(', '));
  return facts;
}

/** Which volume of a 4D scan is meant. */
function Volumes(props: {
  scan: IScan;
  frame: number;
  trans: TranslationBundle;
  onChange(frame: number): void;
}): ReactElement {
  const { scan, frame, trans } = props;
  return (
    <label className="medlab-ScanDetails-volumes">
      {trans.__('Volume')}
      <select
        className="medlab-FilterChip"
        aria-label={trans.__('Volume')}
        value={frame}
        onChange={event => props.onChange(Number(event.target.value))}
      >
        {Array.from({ length: scan.frames }, (_, index) => (
          <option key={index} value={index}>
            {volumeLabel(scan, index, trans)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** `3 of 60 · b = 1000 s/mm²` */
export function volumeLabel(
  scan: Pick<IScan, 'frames' | 'frame_kind' | 'frame_values'>,
  index: number,
  trans: TranslationBundle
): string {
  const place = trans.__('%1 of %2', index + 1, scan.frames);
  const value = scan.frame_values?.[index];
  if (value === undefined || value === null || value === '') {
    return place;
  }
  const told: Record<string, string> = {
    time: trans.__('%1 s', value),
    'b-value': trans.__('b = %1 s/mm²', value),
    echo: trans.__('echo at %1 ms', value)
  };
  return `${place} · ${told[scan.frame_kind ?? ''] ?? String(value)}`;
}

function Attachments(props: IDetailsProps): ReactElement | null {
  const { scan, trans, actions } = props;
  if (!scan.attachments?.length) {
    return null;
  }
  return (
    <ul
      className="medlab-ScanDetails-attachments"
      aria-label={trans.__('Label files of this scan')}
    >
      {scan.attachments.map(attachment => (
        <li key={attachment.path}>
          <span className="medlab-Chip medlab-mod-labels">
            {attachment.kind === 'seg'
              ? trans.__('Segmentation')
              : trans.__('Structures')}
          </span>
          <span className="medlab-ScanDetails-file" title={attachment.path}>
            {attachment.name}
          </span>
          <button
            className="medlab-Button"
            aria-label={trans.__('Show the labels of %1', attachment.name)}
            disabled={Boolean(scan.error)}
            onClick={() => actions.showLabels(scan, attachment)}
          >
            {trans.__('Show its labels')}
          </button>
        </li>
      ))}
    </ul>
  );
}

function Buttons(props: IDetailsProps & { frame: number }): ReactElement {
  const { scan, frame, trans, actions } = props;
  const buttons = [
    {
      words: trans.__('Load in notebook'),
      title: trans.__('Insert a cell that loads this scan'),
      run: () => actions.insertLoad(scan, frame)
    },
    {
      words: trans.__('Annotate'),
      title: trans.__('Insert a cell that annotates this scan'),
      run: () => actions.insertAnnotate(scan, frame)
    }
  ];
  return (
    <div className="medlab-ScanDetails-buttons">
      {!scan.error && (
        <>
          <button
            className="medlab-Button medlab-mod-accept"
            onClick={() => actions.open(scan, frame)}
          >
            {trans.__('Open')}
          </button>
          {buttons.map(({ words, title, run }) => (
            <button
              key={words}
              className="medlab-Button"
              title={title}
              onClick={run}
            >
              {words}
            </button>
          ))}
        </>
      )}
      <button
        className="medlab-Button"
        title={trans.__('Show every field of the header')}
        onClick={() => actions.showTags(scan)}
      >
        {trans.__('Header')}
      </button>
    </div>
  );
}

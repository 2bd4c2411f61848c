import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

/** Where one sentence ends and the next begins, as `medlab.errors` tells them apart. */
const BETWEEN_SENTENCES = /(?<=[.!?])\s+(?=[A-Z"'(]|medlab\b|open_scan\b)/g;

/** What was expected and what came, and what to do next. */
export interface IParts {
  detail: string;
  hint: string;
}

/** Divides an error's message: its last sentence says what to do next. */
export function partsOf(message: string): IParts {
  const gap = [...message.trim().matchAll(BETWEEN_SENTENCES)].at(-1);
  return gap
    ? {
        detail: message.trim().slice(0, gap.index),
        hint: message.trim().slice(gap.index + gap[0].length)
      }
    : { detail: message.trim(), hint: '' };
}

/** Why a scan cannot be read, word by word as the reader said it. */
export function ScanError(props: {
  message: string;
  title?: string;
  trans: TranslationBundle;
}): ReactElement {
  const { detail, hint } = partsOf(props.message);
  return (
    <div className="medlab-ScanProblem medlab-mod-error" role="note">
      <strong>
        {props.title || props.trans.__('This scan cannot be read')}
      </strong>
      <p>{detail}</p>
      {hint && <p className="medlab-ScanProblem-hint">{hint}</p>}
    </div>
  );
}

/** What is doubtful about a scan that can be read. */
export function ScanWarnings(props: {
  warnings: readonly string[];
  trans: TranslationBundle;
}): ReactElement | null {
  const { warnings, trans } = props;
  if (warnings.length === 0) {
    return null;
  }
  return (
    <div className="medlab-ScanProblem medlab-mod-warning" role="note">
      <strong>{trans._n('%1 warning', '%1 warnings', warnings.length)}</strong>
      <ul>
        {warnings.map(warning => (
          <li key={warning}>{warning}</li>
        ))}
      </ul>
    </div>
  );
}

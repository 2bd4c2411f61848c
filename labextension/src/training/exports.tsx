import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useState } from 'react';

import type { IServer } from '../server/connection';
import { fetchExport } from '../server/runs';

/** Saves the history of a run as a file of the reader's. */
export function Exports(props: {
  server: IServer;
  run: string;
  name: string;
  trans: TranslationBundle;
}): ReactElement {
  const { server, run, trans } = props;
  const [problem, setProblem] = useState('');
  const save = async (format: 'csv' | 'json') => {
    setProblem('');
    try {
      const file = await fetchExport(server, run, format);
      offer(file, `${fileName(props.name)}-${run}.${format}`);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <div className="medlab-Exports">
      <span>{trans.__('Export')}</span>
      <button
        className="medlab-Button"
        aria-label={trans.__('Export as CSV')}
        title={trans.__('One row an epoch')}
        onClick={() => void save('csv')}
      >
        {trans.__('CSV')}
      </button>
      <button
        className="medlab-Button"
        aria-label={trans.__('Export as JSON')}
        title={trans.__('Recipe, epochs, batches and marks')}
        onClick={() => void save('json')}
      >
        {trans.__('JSON')}
      </button>
      {problem && (
        <span className="medlab-Exports-problem" role="alert">
          {problem}
        </span>
      )}
    </div>
  );
}

/** A run may be called anything; a file may not. */
function fileName(name: string): string {
  return (name.match(/[\p{L}\p{N}_]+/gu) ?? ['run']).slice(0, 8).join('-');
}

function offer(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads it after the click; a moment later it needs it no more.
  window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

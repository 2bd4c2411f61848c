import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useState } from 'react';

import type { IServer } from '../server/connection';
import {
  type IArchiveServer,
  type ISentInstance,
  sendLayer
} from '../server/dicomweb';
import { fetchLayers } from '../server/labels';

type State =
  | { at: 'start' | 'asking' | 'sending' }
  | { at: 'choosing'; layers: string[] }
  | { at: 'over'; words: string; isBad: boolean };

/** Sends a layer of a fetched scan back to its server, as DICOM SEG. */
export function SendLabels(props: {
  server: IServer;
  archive: IArchiveServer;
  scan: string;
  trans: TranslationBundle;
}): ReactElement {
  const { server, archive, scan, trans } = props;
  const [state, setState] = useState<State>({ at: 'start' });
  const fail = (error: unknown) =>
    setState({
      at: 'over',
      words: error instanceof Error ? error.message : String(error),
      isBad: true
    });
  const send = (layer: string) => {
    setState({ at: 'sending' });
    sendLayer(server, archive.name, scan, layer).then(
      told => setState({ at: 'over', ...inWords(told, archive, trans) }),
      fail
    );
  };
  const ask = () => {
    setState({ at: 'asking' });
    fetchLayers(server, scan).then(layers => {
      const names = layers.map(layer => layer.name);
      if (names.length === 0) {
        const words = trans.__(
          'There are no labels yet: open it and draw some.'
        );
        setState({ at: 'over', words, isBad: false });
      } else if (names.length === 1) {
        send(names[0]);
      } else {
        setState({ at: 'choosing', layers: names });
      }
    }, fail);
  };
  if (state.at === 'choosing') {
    return (
      <select
        className="medlab-Input medlab-Archive-layer"
        aria-label={trans.__('Labels to send')}
        defaultValue=""
        onChange={event => send(event.target.value)}
      >
        <option value="" disabled>
          {trans.__('Which labels?')}
        </option>
        {state.layers.map(layer => (
          <option key={layer}>{layer}</option>
        ))}
      </select>
    );
  }
  const isBusy = state.at === 'asking' || state.at === 'sending';
  return (
    <>
      <button className="medlab-Button" disabled={isBusy} onClick={ask}>
        {isBusy ? trans.__('Sending…') : trans.__('Send labels')}
      </button>
      {state.at === 'over' && (
        <span
          className={state.isBad ? 'medlab-Archive-error' : ''}
          role={state.isBad ? 'alert' : 'status'}
        >
          {state.words}
        </span>
      )}
    </>
  );
}

/** One sentence about everything that was sent. */
export function inWords(
  told: readonly ISentInstance[],
  archive: IArchiveServer,
  trans: TranslationBundle
): { words: string; isBad: boolean } {
  const refused = told.filter(one => one.state === 'refused');
  const reasons = [...new Set(told.map(one => one.reason).filter(Boolean))];
  const first =
    refused.length === 0
      ? trans.__('%1 has the labels now.', archive.title)
      : trans.__('%1 did not take the labels.', archive.title);
  return { words: [first, ...reasons].join(' '), isBad: refused.length > 0 };
}

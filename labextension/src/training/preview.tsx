import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useEffect, useState } from 'react';

import { isAbort, type IServer } from '../server/connection';
import { fetchPreview } from '../server/runs';
import type { IPreview } from './series';

/** Image, label and prediction after an epoch; the slider goes back in time. */
export function Preview(props: {
  server: IServer;
  run: string;
  previews: readonly IPreview[];
  trans: TranslationBundle;
}): ReactElement | null {
  const { server, run, previews, trans } = props;
  // Null follows the latest.
  const [chosen, choose] = useState<number | null>(null);
  const last = previews.length - 1;
  const place = chosen === null ? last : Math.min(chosen, last);
  const url = usePicture(server, run, previews[place]?.file);
  if (last < 0) {
    return null;
  }
  const { epoch } = previews[place];
  return (
    <section className="medlab-Preview" aria-label={trans.__('Preview')}>
      <header>
        <h4>{trans.__('Preview')}</h4>
        <span>{trans.__('epoch %1', epoch)}</span>
      </header>
      {url ? (
        <img
          src={url}
          alt={trans.__('Image, label and prediction after epoch %1', epoch)}
        />
      ) : (
        <div className="medlab-Preview-waiting" />
      )}
      {last > 0 && (
        <input
          type="range"
          min={0}
          max={last}
          value={place}
          aria-label={trans.__('Epoch of the preview')}
          aria-valuetext={trans.__('epoch %1', epoch)}
          onChange={event => {
            const next = event.target.valueAsNumber;
            choose(next === last ? null : next);
          }}
        />
      )}
    </section>
  );
}

/** An object URL of the picture; the one before stays until this one is there. */
function usePicture(
  server: IServer,
  run: string,
  file: string | undefined
): string | null {
  const [url, setUrl] = useState<string | null>(null);
  useEffect(() => {
    if (!file) {
      setUrl(null);
      return;
    }
    const aborter = new AbortController();
    fetchPreview(server, run, file, aborter.signal).then(
      picture =>
        !aborter.signal.aborted && setUrl(URL.createObjectURL(picture)),
      error => !isAbort(error) && setUrl(null)
    );
    return () => aborter.abort();
  }, [server, run, file]);
  useEffect(() => {
    return () => {
      if (url) {
        URL.revokeObjectURL(url);
      }
    };
  }, [url]);
  return url;
}

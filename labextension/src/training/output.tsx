import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useEffect, useRef, useState } from 'react';

import { isAbort, type IServer } from '../server/connection';
import { fetchLog } from '../server/runs';

const LOOK_AGAIN_MS = 2000;
const KEPT_CHARACTERS = 40_000;

/** The trainer's own words, from its standard output; read only while unfolded. */
export function Output(props: {
  server: IServer;
  run: string;
  trans: TranslationBundle;
}): ReactElement {
  const { server, run, trans } = props;
  const [isOpen, setOpen] = useState(false);
  const text = useOutput(server, run, isOpen);
  const box = useRef<HTMLPreElement>(null);
  useEffect(() => {
    if (box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [text]);
  return (
    <details
      className="medlab-Output"
      onToggle={event => setOpen(event.currentTarget.open)}
    >
      <summary>{trans.__('Log')}</summary>
      {isOpen && (
        <pre ref={box} tabIndex={0}>
          {text || trans.__('Nothing was written yet.')}
        </pre>
      )}
    </details>
  );
}

function useOutput(server: IServer, run: string, isOpen: boolean): string {
  const [text, setText] = useState('');
  useEffect(() => {
    if (!isOpen) {
      return;
    }
    const aborter = new AbortController();
    let timer = 0;
    let from = -KEPT_CHARACTERS;
    let gathered = '';
    const read = async (): Promise<void> => {
      try {
        const tail = await fetchLog(server, run, from, aborter.signal);
        const isMore = tail.text.length > 0;
        from = tail.next;
        gathered = (gathered + tail.text).slice(-KEPT_CHARACTERS);
        setText(gathered);
        timer = window.setTimeout(
          () => void read(),
          isMore ? 200 : LOOK_AGAIN_MS
        );
      } catch (error) {
        if (!isAbort(error)) {
          timer = window.setTimeout(() => void read(), LOOK_AGAIN_MS);
        }
      }
    };
    setText('');
    void read();
    return () => {
      window.clearTimeout(timer);
      aborter.abort();
    };
  }, [server, run, isOpen]);
  return text;
}

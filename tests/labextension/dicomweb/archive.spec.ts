import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { Archive } from '../../../labextension/src/dicomweb/archive';
import { formatDate } from '../../../labextension/src/dicomweb/series_table';
import { inWords } from '../../../labextension/src/dicomweb/send_labels';
import type { IServer } from '../../../labextension/src/server/connection';
import { nullTranslator } from '@jupyterlab/translation';

const trans = nullTranslator.load('medlab');
const named = (name: string, title: string) => ({
  name,
  title,
  can_send: true
});
const servers = [named('a', 'First'), named('b', 'Second')];
const series = {
  study: '1.2',
  series: '1.3',
  modality: 'CT',
  date: '20240131',
  instances: 9,
  number: '1',
  body_part: '',
  description: '',
  study_description: '',
  patient: '',
  patient_id: '',
  scan: null,
  path: null
};
const job = {
  id: 'f0',
  server: 'a',
  series: '1.3',
  state: 'running',
  done: 0,
  total: 9,
  received_bytes: 0,
  scan: null,
  path: null,
  error: null
};

interface IAsked {
  path: string;
  body: unknown;
}

/** A Jupyter server that answers by address; functions are asked anew each time. */
function serverWith(
  replies: Record<string, unknown>
): IServer & { asked: IAsked[] } {
  const asked: IAsked[] = [];
  return {
    labextensions: '',
    asked,
    request: async (path, init = {}) => {
      const body = init.body ? JSON.parse(String(init.body)) : undefined;
      asked.push({ path, body });
      const reply = replies[path];
      const told = typeof reply === 'function' ? reply() : reply;
      if (told instanceof Response) {
        return told;
      }
      return new Response(JSON.stringify(told), {
        status: told === undefined ? 404 : 200
      });
    }
  };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('Archive', () => {
  it('asks for nothing more where no server is set up', async () => {
    const server = serverWith({ 'dicomweb/servers': { servers: [] } });
    const archive = new Archive(server);

    await archive.load();
    await archive.search('doe', false);

    expect(archive.chosen).toBeNull();
    expect(server.asked.map(one => one.path)).toEqual(['dicomweb/servers']);
  });

  it('sends search words in the body and never in the address', async () => {
    const server = serverWith({
      'dicomweb/servers': { servers },
      'dicomweb/jobs': { jobs: [] },
      'dicomweb/a/search': { series: [series], more: true }
    });
    const archive = new Archive(server);
    await archive.load();

    await archive.search('Doe Jane', true);

    expect(server.asked.at(-1)).toEqual({
      path: 'dicomweb/a/search',
      body: { words: 'Doe Jane', private: true }
    });
    expect(archive.found).toEqual([series]);
    expect(archive.more).toBe(true);
  });

  it('keeps the sentence of a server that does not answer', async () => {
    const message = "The server 'a' must be reachable from here.";
    const down = () =>
      new Response(JSON.stringify({ message, code: 'server-unreachable' }), {
        status: 502
      });
    const archive = new Archive(
      serverWith({
        'dicomweb/servers': { servers },
        'dicomweb/jobs': { jobs: [] },
        'dicomweb/a/search': down
      })
    );
    await archive.load();

    await archive.search('', false);

    expect(archive.error?.message).toBe(message);
    expect(archive.found).toBeNull();
    expect(archive.isSearching).toBe(false);
  });

  it('forgets the list of one server when another is chosen', async () => {
    const archive = new Archive(
      serverWith({
        'dicomweb/servers': { servers },
        'dicomweb/jobs': { jobs: [] },
        'dicomweb/a/search': { series: [series], more: false }
      })
    );
    await archive.load();
    await archive.search('', false);

    archive.choose('b');

    expect(archive.chosen?.title).toBe('Second');
    expect(archive.found).toBeNull();
  });

  it('follows a fetch to its end and says once that a scan arrived', async () => {
    const over = {
      ...job,
      state: 'finished',
      done: 9,
      scan: 'ab',
      path: '.medlab/dicomweb/cd'
    };
    const states = [{ ...job, done: 4 }, over, over];
    const server = serverWith({
      'dicomweb/servers': { servers },
      'dicomweb/jobs': () => ({
        jobs: server.isStarted ? [states.shift()] : []
      }),
      'dicomweb/a/search': { series: [series], more: false },
      'dicomweb/a/fetch': () => {
        server.isStarted = true;
        return job;
      }
    }) as ReturnType<typeof serverWith> & { isStarted?: boolean };
    const archive = new Archive(server);
    const arrived = vi.fn();
    archive.arrived.connect(arrived);
    await archive.load();
    await archive.search('', false);

    await archive.fetch(series);
    await vi.advanceTimersByTimeAsync(800);
    expect(archive.jobOf('1.3')?.done).toBe(4);
    await vi.advanceTimersByTimeAsync(5000);

    expect(arrived).toHaveBeenCalledTimes(1);
    expect(archive.found?.[0]).toMatchObject({ scan: 'ab', path: over.path });
    expect(states).toHaveLength(1);
    archive.dispose();
  });

  it('does not take a fetch from another server for its own', async () => {
    const archive = new Archive(
      serverWith({
        'dicomweb/servers': { servers },
        'dicomweb/jobs': { jobs: [{ ...job, server: 'b', state: 'failed' }] }
      })
    );
    await archive.load();

    expect(archive.jobOf('1.3')).toBeNull();
    archive.choose('b');
    expect(archive.jobOf('1.3')?.state).toBe('failed');
  });
});

describe('words', () => {
  it('shows dates of DICOM with dashes and leaves others alone', () => {
    expect(formatDate('20240131')).toBe('2024-01-31');
    expect(formatDate('<b>soon')).toBe('<b>soon');
  });

  it('tells what became of the labels, and why', () => {
    const stored = { instance: '1', state: 'stored', reason: '' } as const;
    const reason = 'The server refused it: it does not store this kind.';
    const refused = { instance: '2', state: 'refused', reason } as const;

    expect(inWords([stored], servers[0], trans)).toEqual({
      words: 'First has the labels now.',
      isBad: false
    });
    expect(inWords([stored, refused], servers[0], trans)).toEqual({
      words: `First did not take the labels. ${reason}`,
      isBad: true
    });
  });
});

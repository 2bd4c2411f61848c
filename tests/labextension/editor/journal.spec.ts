import 'fake-indexeddb/auto';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { paintDiscs } from '../../../labextension/src/editor/tools/brush';
import {
  applyEdit,
  type Edit
} from '../../../labextension/src/editor/labels/delta';
import { Ink } from '../../../labextension/src/editor/tools/ink';
import {
  Journal,
  newSession
} from '../../../labextension/src/editor/labels/journal';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import {
  type IPendingStore,
  MemoryStore,
  openPendingStore
} from '../../../labextension/src/editor/labels/pending_store';
import { Stroke } from '../../../labextension/src/editor/labels/stroke';
import type { Triple } from '../../../labextension/src/server/types';
import { MemoryPages } from './memory_pages';
import { infoOf, MemoryServer } from './memory_server';

const SHAPE: Triple = [30, 20, 2];

let server: MemoryServer;
let pages: MemoryPages;
const open: Journal[] = [];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const info = infoOf(SHAPE);
  server = new MemoryServer(info, new Int16Array(30 * 20 * 2));
  pages = new MemoryPages();
});

afterEach(() => {
  open.splice(0).forEach(journal => journal.dispose());
  vi.useRealTimers();
});

interface IPage {
  map: LabelMap;
  journal: Journal;
  draw(i: number, label?: number): void;
  type: MemoryServer;
}

async function page(store: IPendingStore = new MemoryStore()): Promise<IPage> {
  const map = new LabelMap(SHAPE, server.map.data.slice());
  const rev = server.journal.length;
  const journal = new Journal({
    ...{ server, scan: server.info.id, layer: 'labels', map, rev, store },
    pages
  });
  open.push(journal);
  await journal.start();
  await settled();
  const draw = (i: number, label = 1) => {
    const edit = disc(map, i, label);
    if (edit) {
      journal.add(edit);
    }
  };
  return { map, journal, draw, type: server };
}

function disc(map: LabelMap, i: number, label: number): Edit | null {
  const pen = new Stroke(map, 'brush', label);
  const ink = new Ink(map, pen, label, map.writable(), null);
  paintDiscs(ink, [i, 10, 1], [i, 10, 1], 4, [1, 1, 1], 2);
  return pen.finish();
}

/** Lets everything under way finish, without letting time pass. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) {
    await new Promise<void>(resolve => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
  }
}

async function after(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  await settled();
}

describe('strokes', () => {
  it('are saved once the server says so', async () => {
    const { journal, draw, map } = await page();
    const states: string[] = [];
    journal.stateChanged.connect(state => states.push(state));

    draw(8);
    expect(journal.state).toBe('saving');
    await settled();

    expect([...new Set(states)]).toEqual(['saving', 'saved']);
    expect(server.map.data).toEqual(map.data);
    expect(journal.rev).toBe(1);
  });

  it('keep their order when many wait', async () => {
    const { journal, draw, map } = await page();
    for (let i = 4; i < 26; i++) {
      draw(i, 1 + (i % 3));
    }
    await settled();

    expect(server.journal.map(delta => delta.seq)).toEqual(
      Array.from({ length: 22 }, (_, at) => at + 1)
    );
    expect(server.map.data).toEqual(map.data);
    expect(journal.waiting).toBe(0);
  });

  it('wait while the server is down, and go once it is back', async () => {
    const { journal, draw, map } = await page();
    server.isDown = true;

    draw(8);
    draw(12);
    await settled();
    expect(journal.state).toBe('offline');
    expect(journal.message).toBe('The server is being restarted.');
    await after(60_000);
    expect(server.journal).toHaveLength(0);

    server.isDown = false;
    await after(11_000);

    expect(journal.state).toBe('saved');
    expect(server.map.data).toEqual(map.data);
  });

  it('try less and less often while the server is down', async () => {
    const { draw } = await page();
    server.isDown = true;
    draw(8);
    await after(60_000);

    const tries = server.asked.filter(line => line.startsWith('POST')).length;
    expect(tries).toBeGreaterThan(5);
    expect(tries).toBeLessThan(20);
  });

  it('are written once when the answer to them was lost', async () => {
    const { journal, draw, map } = await page();
    server.losesAnswer = true;

    draw(8);
    await after(5000);

    expect(server.journal).toHaveLength(1);
    expect(journal.state).toBe('saved');
    expect(journal.rev).toBe(1);
    expect(server.map.data).toEqual(map.data);
  });
});

describe('others’ strokes', () => {
  it('appear within two seconds', async () => {
    const { map } = await page();
    const other = await page();
    other.draw(8, 2);
    await settled();

    await after(2100);

    expect(map.data).toEqual(server.map.data);
    expect(map.labelAt([8, 10, 1])).toBe(2);
  });

  it('that came first lie below ours', async () => {
    const ours = await page();
    const theirs = await page();
    theirs.draw(8, 2);
    await settled();

    ours.draw(11, 1);
    await after(3000);

    expect(server.journal).toHaveLength(2);
    expect(ours.map.data).toEqual(server.map.data);
    expect(theirs.map.data).toEqual(server.map.data);
    expect(ours.map.labelAt([5, 10, 1])).toBe(2);
    expect(ours.map.labelAt([10, 10, 1])).toBe(1);
  });

  it('do not change the map while a stroke is being drawn', async () => {
    const ours = await page();
    const theirs = await page();
    theirs.draw(8, 2);
    await settled();

    ours.journal.hold();
    await after(5000);
    expect(ours.map.labelAt([8, 10, 1])).toBe(0);

    ours.journal.release();
    await settled();
    expect(ours.map.labelAt([8, 10, 1])).toBe(2);
  });

  it('mixed at random leave every page with the same labels', async () => {
    const three = [await page(), await page(), await page()];
    let random = 1234567;
    for (let turn = 0; turn < 60; turn++) {
      random = (Math.imul(random, 1103515245) + 12345) & 0x7fffffff;
      three[random % 3].draw(2 + ((random >> 8) % 26), 1 + ((random >> 4) % 3));
      if (random % 5 === 0) {
        server.isDown = (random >> 10) % 3 === 0;
        await after(random % 900);
      }
    }
    server.isDown = false;
    for (let turn = 0; turn < 6; turn++) {
      await after(9000);
    }

    for (const { map, journal } of three) {
      expect(journal.waiting).toBe(0);
      expect(map.data).toEqual(server.map.data);
    }
  });
});

describe('a reload of the page', () => {
  it('loses no stroke that the server had not got', async () => {
    server.isDown = true;
    const before = await page(await openPendingStore('scan', 'one'));
    before.draw(8, 3);
    await after(500);
    before.journal.dispose();

    server.isDown = false;
    const reloaded = await page(await openPendingStore('scan', 'one'));
    await after(2000);

    expect(reloaded.map.labelAt([8, 10, 1])).toBe(3);
    expect(server.map.data).toEqual(reloaded.map.data);
    expect(await (await openPendingStore('scan', 'one')).all()).toEqual([]);
  });

  it('does not write again what arrived, though its answer did not', async () => {
    const before = await page(await openPendingStore('scan', 'two'));
    server.losesAnswer = true;
    before.draw(8, 3);
    before.draw(14, 2);
    await settled();
    before.journal.dispose();
    const written = server.journal.length;

    await page(await openPendingStore('scan', 'two'));
    await after(3000);

    expect(written).toBeGreaterThan(0);
    expect(server.journal).toHaveLength(2);
    expect(await (await openPendingStore('scan', 'two')).all()).toEqual([]);
  });
});

it('a session has eight hexadecimal digits', () => {
  expect(newSession()).toMatch(/^[0-9a-f]{8}$/);
});

it('an edit of another writer is applied to the letter', () => {
  const map = new LabelMap(SHAPE);
  const edit = disc(map, 8, 1) as Edit;
  const other = new LabelMap(SHAPE);

  applyEdit(other, edit);

  expect(other.data).toEqual(map.data);
});

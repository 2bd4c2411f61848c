import 'fake-indexeddb/auto';

import { afterEach, describe, expect, it, vi } from 'vitest';

import {
  applyEdit,
  type Edit
} from '../../../labextension/src/editor/labels/delta';
import {
  marksEdit,
  segmentsEdit
} from '../../../labextension/src/editor/labels/delta';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import { LabelSession } from '../../../labextension/src/editor/labels/label_session';
import type { IMark, Triple } from '../../../labextension/src/server/types';
import { fullMark, fullSegment } from '../../../labextension/src/server/wire';
import { infoOf, MemoryServer } from './memory_server';
import { Dice, paint, randomBox, RandomWork } from './random_work';

/*
 * Any random sequence of strokes, proposals, changes of the segments (name, colour, lock,
 * state, order, removal), marks and imports, taken back as a whole, is the start; done
 * again it is the end.
 */

const SHAPE: Triple = [19, 16, 5];
const STEPS = 280;
const FOREIGN = 130;

// A loaded machine takes longer, and nothing here waits for the clock.
vi.setConfig({ testTimeout: 120_000 });

const open: LabelSession[] = [];
let scans = 0;

afterEach(() => open.splice(0).forEach(session => session.dispose()));

async function openPage(server: MemoryServer): Promise<LabelSession> {
  const session = await LabelSession.open(
    {
      ...{ server, scanId: server.info.id, layer: 'labels', tools: true },
      author: '0000000a'
    },
    server.info,
    new AbortController().signal
  );
  open.push(session);
  await session.start();
  return session;
}

function newServer(): MemoryServer {
  const id = (++scans).toString(16).padStart(16, '0');
  const info = infoOf(SHAPE, { id });
  return new MemoryServer(info, new Int16Array(19 * 16 * 5));
}

interface IState {
  voxels: number[];
  segments: unknown;
  marks: IMark[];
}

function stateOf({ data, segments, marks }: LabelMap): IState {
  return {
    voxels: [...data],
    segments: JSON.parse(JSON.stringify(segments)),
    marks: [...marks.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  };
}

/** @returns how many steps it was */
function all(session: LabelSession, what: 'undo' | 'redo'): number {
  let count = 0;
  while (what === 'undo' ? session.canUndo : session.canRedo) {
    session[what]();
    count++;
  }
  return count;
}

describe('everything that was done', () => {
  it.each([0, 4])(
    'is taken back to the start and done again to the end: seed %i',
    async seed => {
      const session = await openPage(newServer());
      const work = new RandomWork(session, new Dice(seed));
      const start = stateOf(session.labels);
      for (let step = 0; step < STEPS; step++) {
        await work.step();
      }
      session.flush();
      const end = stateOf(session.labels);
      expect(end).not.toEqual(start);

      expect(all(session, 'undo')).toBeGreaterThan(200);
      expect(stateOf(session.labels)).toEqual(start);

      all(session, 'redo');
      expect(stateOf(session.labels)).toEqual(end);
    }
  );

  it.each([0, 4])(
    'is taken back by a page that was opened later: seed %i',
    async seed => {
      const server = newServer();
      const dice = new Dice(seed);
      let session = await openPage(server);
      const start = stateOf(session.labels);
      for (let visit = 0; visit < 4; visit++) {
        const work = new RandomWork(session, dice);
        for (let step = 0; step < STEPS / 4; step++) {
          await work.step();
          for (let back = dice.below(3); back > 0 && step % 9 === 0; back--) {
            session.undo();
          }
        }
        if (visit < 3) {
          await session.settled();
          session.dispose();
          session = await openPage(server);
        }
      }
      session.flush();
      const end = stateOf(session.labels);

      const undone = all(session, 'undo');
      expect(stateOf(session.labels)).toEqual(start);

      await session.settled();
      session.dispose();
      session = await openPage(server);
      expect(all(session, 'redo')).toBe(undone);
      expect(stateOf(session.labels)).toEqual(end);
      await session.settled();
      expect(stateOf(server.map)).toEqual(end);
    }
  );

  it.each([0, 4])(
    'is taken back around what somebody else does meanwhile: seed %i',
    async seed => {
      const server = newServer();
      const session = await openPage(server);
      const start = stateOf(session.labels);
      const theirs = new LabelMap(
        ...([SHAPE, session.labels.data.slice()] as const),
        session.labels.segments
      );
      const dice = new Dice(seed);
      const work = new RandomWork(session, dice, 1, false);
      for (let step = 0; step < STEPS; step++) {
        await work.step();
        if (step % 7 === 0) {
          await session.settled();
          somebodyElse(server, theirs, dice);
          await session.poll();
        }
      }

      all(session, 'undo');
      await session.settled();

      const now = stateOf(session.labels);
      expect(now.voxels).toEqual([...theirs.data]);
      expect(byId(now.segments)).toEqual(byId(stateOf(theirs).segments));
      expect(now.marks).toEqual(stateOf(theirs).marks);
      expect(now.segments).not.toEqual(start.segments);
      expect(stateOf(server.map)).toEqual(now);
    }
  );
});

/** Draws, adds a segment or a mark; the same in `theirs`, which knows nothing of ours. */
function somebodyElse(
  server: MemoryServer,
  theirs: LabelMap,
  dice: Dice
): void {
  const id = FOREIGN + server.journal.length;
  const place = {
    ...{ scan: server.info.id, layer: 'labels', session: 'ffffffff' },
    ...{ seq: server.journal.length + 1, by: 'ffffffff' }
  };
  const what = dice.next();
  if (what < 0.5) {
    const box = randomBox(SHAPE, dice);
    const label = FOREIGN + dice.below(50);
    const everywhere = new Uint8Array(65536).fill(1);
    const copy = new LabelMap(SHAPE, server.map.data.slice());
    const edit = paint(copy, box, label, everywhere).finish();
    if (edit) {
      server.write({ ...edit, ...place });
    }
    paint(theirs, box, label, everywhere);
  } else if (what < 0.8) {
    const added = fullSegment({ id: id % 65536, name: `theirs ${id}` });
    const { segments } = server.map;
    const edit = segmentsEdit(segments, [...segments, added]);
    server.write({ ...edit, ...place });
    theirs.setSegments([...theirs.segments, added]);
  } else {
    const points: Triple[] = [[1, 2, 3]];
    const mark = fullMark({ id: dice.hex(12), kind: 'point', points });
    const edit = marksEdit([], [mark]);
    server.write({ ...edit, ...place });
    applyEdit(theirs, edit);
  }
}

function byId(segments: unknown): unknown[] {
  const list = segments as { id: number }[];
  return [...list].sort((a, b) => a.id - b.id);
}

describe('a stroke in the making', () => {
  it('is left alone by undo, removal of its segment and a change of layer', async () => {
    const server = newServer();
    const session = await openPage(server);
    const { labels } = session;
    const drawn = paint(labels, [0, 4, 0, 4, 0, 1], 1, labels.writable());
    session.commit([drawn.finish() as Edit]);
    session.hold();
    labels.data[0] = 0;
    const shown = stateOf(labels);

    session.undo();
    session.redo();
    const isRemoved = session.removeSegment(1);
    await session.switchLayer('another');

    expect(isRemoved).toBe(false);
    expect(session.layer).toBe('labels');
    expect(stateOf(labels)).toEqual(shown);
    session.release();
    session.undo();
    expect(labels.data[1]).toBe(0);
  });
});

describe('a stroke drawn over what another tab drew meanwhile', () => {
  it('is taken back first, and shows what it covered', async () => {
    const server = newServer();
    const page = await openPage(server);
    const other = await openPage(server);
    const [first] = page.labels.segments;
    const isFree = page.labels.writable();
    page.hold();
    other.commitSegments([first, { ...first, id: 2, name: 'theirs' }]);
    const theirs = paint(other.labels, [0, 6, 0, 1, 0, 1], 2, isFree);
    other.commit([theirs.finish() as Edit]);
    await other.settled();
    page.commitLater(
      paint(page.labels, [4, 10, 0, 1, 0, 1], 1, isFree).coding()
    );
    await page.settled();
    expect([...page.labels.data.slice(0, 10)].join('')).toBe('2222111111');

    page.undo();
    await page.settled();

    expect([...page.labels.data.slice(0, 10)].join('')).toBe('2222220000');
  });

  it('is taken back after what another tab drew once it was sent', async () => {
    const server = newServer();
    const page = await openPage(server);
    const other = await openPage(server);
    const isFree = page.labels.writable();
    const ours = paint(page.labels, [0, 2, 0, 1, 0, 1], 1, isFree);
    page.commit([ours.finish() as Edit]);
    await page.settled();
    await other.poll();
    const theirs = paint(other.labels, [4, 6, 0, 1, 0, 1], 1, isFree);
    other.commit([theirs.finish() as Edit]);
    await other.settled();
    await page.poll();
    expect([...page.labels.data.slice(0, 6)].join('')).toBe('110011');

    page.undo();
    await page.settled();

    expect([...page.labels.data.slice(0, 6)].join('')).toBe('110000');
  });
});

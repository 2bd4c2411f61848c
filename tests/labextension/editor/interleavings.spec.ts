import 'fake-indexeddb/auto';

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { IServer } from '../../../labextension/src/server/connection';
import { ServerError } from '../../../labextension/src/server/connection';
import type { IDelta } from '../../../labextension/src/server/messages';
import type { Box } from '../../../labextension/src/server/voxels';
import type { Triple } from '../../../labextension/src/server/types';
import {
  boxes,
  type Edit,
  segmentsEdit
} from '../../../labextension/src/editor/labels/delta';
import { History } from '../../../labextension/src/editor/labels/history';
import { Journal } from '../../../labextension/src/editor/labels/journal';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import { MemoryStore } from '../../../labextension/src/editor/labels/pending_store';
import type { IConflict } from '../../../labextension/src/editor/labels/waiting';
import { MemoryPages } from './memory_pages';
import { infoOf, MemoryServer } from './memory_server';
import { Dice, paint, randomBox } from './random_work';

/*
 * Two tabs draw at random, on a network that loses requests and replies, is slow, and
 * answers 409 and 503; now and then a tab dies and another one is opened in its place.
 */

const SHAPE: Triple = [14, 12, 3];
const { process } = globalThis as {
  process?: { env: Record<string, string | undefined> };
};
const ROUNDS = Number(
  process?.env.MEDLAB_ROUNDS ?? (process?.env.MEDLAB_LONG ? 1000 : 60)
);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** The way to the server: it loses, delays and refuses what goes over it. */
class BadNetwork implements IServer {
  constructor(
    private readonly _server: MemoryServer,
    private readonly _dice: Dice
  ) {}

  readonly labextensions = '';
  isGood = false;

  async request(path: string, init: RequestInit = {}): Promise<Response> {
    const luck = this.isGood ? 1 : this._dice.next();
    init.signal?.throwIfAborted();
    if (luck < 0.12) {
      throw new ServerError(0, 'offline', 'The request was lost.');
    }
    if (luck < 0.2) {
      return new Response('{}', { status: 503 });
    }
    if (luck < 0.28 && init.method === 'POST') {
      return new Response(new Uint8Array(0), { status: 409 });
    }
    if (luck < 0.45) {
      await new Promise(resolve => setTimeout(resolve, 900));
    }
    const reply = await this._server.request(path, init);
    init.signal?.throwIfAborted();
    if (luck >= 0.45 && luck < 0.57) {
      throw new ServerError(0, 'offline', 'The reply was lost.');
    }
    return reply;
  }
}

/** A stroke as it was drawn: what the tab had seen, and what became of it. */
interface IDrawn {
  edit: Edit;
  rev: number;
  delta: IDelta;
}

class Tab {
  constructor(
    private readonly _server: MemoryServer,
    private readonly _network: BadNetwork,
    private readonly _store: MemoryStore,
    private readonly _pages: MemoryPages,
    private readonly _label: number
  ) {
    this.by = `0000000${_label}`;
    this.map = new LabelMap(
      ...([SHAPE, _server.map.data.slice()] as const),
      ...([_server.map.segments, [..._server.map.marks.values()]] as const)
    );
    this.journal = new Journal({
      ...{ server: _network, scan: 'scan', layer: 'labels', map: this.map },
      ...{ rev: _server.journal.length, store: _store, pages: _pages },
      by: this.by
    });
    this.journal.conflicted.connect(told => this.conflicts.push(...told));
  }

  readonly by: string;
  readonly map: LabelMap;
  readonly journal: Journal;
  readonly conflicts: IConflict[] = [];

  draw(dice: Dice, drawn: IDrawn[]): void {
    const everywhere = new Uint8Array(65536).fill(1);
    const box = randomBox(SHAPE, dice);
    const edit = paint(this.map, box, this._label, everywhere).finish();
    if (edit) {
      const { rev } = this.journal;
      drawn.push({ edit, rev, delta: this.journal.add({ ...edit }) });
    }
  }

  rename(dice: Dice): void {
    const before = this.map.segments;
    const after = before.map(segment =>
      segment.id === this._label
        ? { ...segment, name: `${this._label} ${dice.hex(3)}` }
        : segment
    );
    this.map.setSegments(after);
    this.journal.add(segmentsEdit(before, after));
  }

  /** Dies without a word; what it had waiting is for the next one. */
  die(): Tab {
    this.journal.dispose();
    const { _server, _network, _store, _pages, _label } = this;
    return new Tab(_server, _network, _store, _pages, _label);
  }
}

async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  for (let turn = 0; turn < 12; turn++) {
    await new Promise<void>(resolve => {
      setImmediateLike(resolve);
    });
  }
}

function setImmediateLike(done: () => void): void {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    done();
  };
  port2.postMessage(null);
}

interface IRound {
  server: MemoryServer;
  tabs: Tab[];
  drawn: IDrawn[];
  /** What was told to whom. */
  told: { by: string; conflict: IConflict }[];
}

async function play(seed: number): Promise<IRound> {
  const dice = new Dice(seed);
  const server = new MemoryServer(
    infoOf(SHAPE),
    new Int16Array(SHAPE[0] * SHAPE[1] * SHAPE[2])
  );
  await server.request('labels/scan/labels', {
    method: 'POST',
    body: JSON.stringify({ segments: [{ id: 1 }, { id: 2 }] })
  });
  const pages = new MemoryPages();
  const network = new BadNetwork(server, dice);
  const drawn: IDrawn[] = [];
  const told: IRound['told'] = [];
  const hear = (tab: Tab) =>
    tab.journal.conflicted.connect(conflicts =>
      conflicts.forEach(conflict => told.push({ by: tab.by, conflict }))
    );
  const open = [1, 2].map(
    label => new Tab(server, network, new MemoryStore(true), pages, label)
  );
  for (const tab of open) {
    hear(tab);
    await tab.journal.start();
  }
  for (let turn = 0; turn < 14; turn++) {
    const at = dice.below(2);
    if (dice.next() < 0.08) {
      open[at] = open[at].die();
      hear(open[at]);
      await open[at].journal.start();
    } else if (dice.next() < 0.12) {
      open[at].rename(dice);
    } else {
      open[at].draw(dice, drawn);
    }
    if (dice.next() < 0.6) {
      await pass(dice.below(1500));
    }
  }
  network.isGood = true;
  for (let turn = 0; turn < 12 && open.some(isBehind(server)); turn++) {
    await pass(9000);
  }
  open.forEach(tab => tab.journal.dispose());
  return { server, tabs: open, drawn, told };
}

function isBehind(server: MemoryServer): (tab: Tab) => boolean {
  return ({ journal }) =>
    journal.waiting > 0 || journal.rev < server.journal.length;
}

/** Authors whose strokes went over voxels that the other gave a label unseen. */
function metUnseen({ server, drawn }: IRound): Set<string> {
  const met = new Set<string>();
  for (const { edit, rev, delta } of drawn) {
    const written = find(server, delta);
    const between = server.journal.slice(rev, (written?.rev ?? 1) - 1);
    for (const theirs of between.filter(each => each.by !== delta.by)) {
      if (theirs.box && disagree(edit, theirs)) {
        met.add(delta.by ?? '');
      }
    }
  }
  return met;
}

/** Both change a voxel, and not to the same; ours did not find theirs there. */
function disagree(ours: Edit, theirs: Edit): boolean {
  const here = changes(ours);
  return [...changes(theirs)].some(([at, { after }]) => {
    const mine = here.get(at);
    return mine && mine.after !== after && mine.before !== after;
  });
}

function changes(edit: Edit): Map<number, { before: number; after: number }> {
  const found = new Map<number, { before: number; after: number }>();
  const { before, after } = boxes(edit);
  const [i0, i1, j0, j1, k0, k1] = edit.box as Box;
  let at = 0;
  for (let k = k0; k < k1; k++) {
    for (let j = j0; j < j1; j++) {
      for (let i = i0; i < i1; i++, at++) {
        if (before[at] !== after[at]) {
          const voxel = i + SHAPE[0] * (j + SHAPE[1] * k);
          found.set(voxel, { before: before[at], after: after[at] });
        }
      }
    }
  }
  return found;
}

function find({ journal }: MemoryServer, delta: IDelta): IDelta | undefined {
  return journal.find(
    each => each.session === delta.session && each.seq === delta.seq
  );
}

describe('two tabs on a bad network', () => {
  it(`agree, and nothing is lost: ${ROUNDS} random interleavings`, async () => {
    let met = 0;
    for (let seed = 1; seed <= ROUNDS; seed++) {
      const round = await play(seed);
      const { server, tabs, drawn, told } = round;

      for (const { map, journal } of tabs) {
        expect(journal.waiting, `seed ${seed}`).toBe(0);
        expect([...map.data], `seed ${seed}`).toEqual([...server.map.data]);
        expect(map.segments, `seed ${seed}`).toEqual(server.map.segments);
      }
      expectHonest(server, seed);
      for (const { delta } of drawn) {
        expect(find(server, delta), `seed ${seed}: a stroke`).toBeDefined();
      }
      for (const by of metUnseen(round)) {
        met++;
        const heard = told.filter(each => each.by === by);
        expect(
          heard.some(({ conflict }) => conflict.kind === 'overlap'),
          `seed ${seed}: ${by} was told`
        ).toBe(true);
      }
    }
    expect(met).toBeGreaterThan(ROUNDS / 4);
  }, 900_000);

  it('an overlap is told where the stroke was not seen, with its voxels', async () => {
    const server = new MemoryServer(
      infoOf(SHAPE),
      new Int16Array(SHAPE[0] * SHAPE[1] * SHAPE[2])
    );
    await server.request('labels/scan/labels', {
      method: 'POST',
      body: JSON.stringify({ segments: [{ id: 1, name: 'lung' }, { id: 2 }] })
    });
    const network = new BadNetwork(server, new Dice(1));
    network.isGood = true;
    const pages = new MemoryPages();
    const [one, two] = [1, 2].map(
      label => new Tab(server, network, new MemoryStore(true), pages, label)
    );
    const everywhere = new Uint8Array(65536).fill(1);
    two.journal.add(
      paint(two.map, [0, 6, 0, 2, 0, 1], 2, everywhere).finish() as IDelta
    );
    await two.journal.settled();

    one.journal.add(
      paint(one.map, [4, 9, 0, 2, 0, 1], 1, everywhere).finish() as IDelta
    );
    await one.journal.settled();

    expect(one.conflicts).toEqual([
      { kind: 'overlap', names: ['lung'], voxels: 4 }
    ]);
    // Theirs is in the journal, and what ours says was there before.
    const ours = boxes(server.journal[1]);
    expect(ours.before.filter(label => label === 2)).toHaveLength(4);
    one.journal.dispose();
    two.journal.dispose();
  });

  it('a lock that came first leaves those voxels out, and says so', async () => {
    const server = new MemoryServer(
      infoOf(SHAPE),
      new Int16Array(SHAPE[0] * SHAPE[1] * SHAPE[2])
    );
    await server.request('labels/scan/labels', {
      method: 'POST',
      body: JSON.stringify({ segments: [{ id: 1 }, { id: 2, name: 'heart' }] })
    });
    const network = new BadNetwork(server, new Dice(1));
    network.isGood = true;
    const pages = new MemoryPages();
    const [one, two] = [1, 2].map(
      label => new Tab(server, network, new MemoryStore(true), pages, label)
    );
    const everywhere = new Uint8Array(65536).fill(1);
    two.journal.add(
      paint(two.map, [0, 6, 0, 2, 0, 1], 2, everywhere).finish() as IDelta
    );
    await two.journal.settled();
    await one.journal.poll();
    const before = two.map.segments;
    const after = before.map(each => ({ ...each, locked: each.id === 2 }));
    two.map.setSegments(after);
    two.journal.add(segmentsEdit(before, after));
    await two.journal.settled();

    one.journal.add(
      paint(one.map, [4, 9, 0, 2, 0, 1], 1, everywhere).finish() as IDelta
    );
    await one.journal.settled();

    expect([...server.map.data.slice(0, 10)]).toEqual([
      ...[2, 2, 2, 2, 2, 2, 1, 1, 1, 0]
    ]);
    expect([...one.map.data]).toEqual([...server.map.data]);
    expect(one.conflicts).toMatchObject([{ kind: 'locked', voxels: 4 }]);
    one.journal.dispose();
    two.journal.dispose();
  });
});

/** The journal alone gives the map, and each edit says what it found. */
function expectHonest(server: MemoryServer, seed: number): void {
  const map = new LabelMap(SHAPE);
  const seen = new Set<string>();
  const history = new Map<string, History>();
  for (const delta of server.journal) {
    const key = `${delta.session}/${delta.seq}`;
    expect(seen.has(key), `seed ${seed}: ${key} twice`).toBe(false);
    seen.add(key);
    const by = delta.by ?? '';
    history.set(by, history.get(by) ?? new History(by));
    history.get(by)?.fold(delta);
    if (delta.box) {
      const { before, after } = boxes(delta);
      const [i0, i1, j0, j1, k0, k1] = delta.box;
      let at = 0;
      for (let k = k0; k < k1; k++) {
        for (let j = j0; j < j1; j++) {
          for (let i = i0; i < i1; i++, at++) {
            const voxel = i + SHAPE[0] * (j + SHAPE[1] * k);
            if (map.data[voxel] !== before[at]) {
              expect.fail(`seed ${seed}: an edit found something else`);
            }
            map.data[voxel] = after[at];
          }
        }
      }
    }
  }
  expect([...map.data], `seed ${seed}`).toEqual([...server.map.data]);
}

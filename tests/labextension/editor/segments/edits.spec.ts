import { describe, expect, it } from 'vitest';

import { SegmentEdits } from '../../../../labextension/src/editor/segments/segment_edits';
import {
  STATES,
  summary
} from '../../../../labextension/src/editor/segments/segment_state';
import { untranslated } from '../../../../labextension/src/editor/translate';
import { MarkPlace } from '../marks/mark_place';
import { randomFrom } from '../tools_scene';

async function place(count = 3) {
  const segments = Array.from({ length: count }, (_, n) => ({
    id: n + 1,
    name: 'abcdefghij'[n]
  }));
  const where = await MarkPlace.make([6, 5, 4], { segments });
  return { where, edits: new SegmentEdits(where.context) };
}

const names = (edits: SegmentEdits) =>
  edits.segments.map(({ name }) => name).join('');

describe('segments', () => {
  it.each([
    [1, 2, 'bca'],
    [3, 0, 'cab'],
    [2, 99, 'acb'],
    [2, -5, 'bac'],
    [2, 1, 'abc']
  ])('segment %i at place %i gives %s', async (id, at, order) => {
    const { edits } = await place();
    edits.move(id, at);
    expect(names(edits)).toBe(order);
  });

  it('an order that stays is not a step of the history', async () => {
    const { where, edits } = await place();
    edits.moveBy(1, -1);
    edits.change(2, { name: 'b' });
    expect(where.session.canUndo).toBe(false);
  });

  it('a new one has a free id, a free colour, and is chosen', async () => {
    const { where, edits } = await place();
    edits.remove(2);
    const { id, color } = edits.add();
    expect(id).toBe(4);
    expect(where.settings.values.segment).toBe(4);
    expect(edits.segments.filter(each => each.color === color).length).toBe(1);
  });

  it('removed goes with its voxels, and comes back with them in one step', async () => {
    const { where, edits } = await place();
    const { labels } = where.session;
    labels.data.set([0, 2, 2, 1, 2]);
    const before = Array.from(labels.data);
    where.settings.set({ segment: 2 });

    edits.remove(2);

    expect(Array.from(labels.data.slice(0, 5))).toEqual([0, 0, 0, 1, 0]);
    expect(names(edits)).toBe('ac');
    expect(where.settings.values.segment).toBe(3);
    expect(where.told[0]).toContain('Removed b');
    where.session.undo();
    expect(Array.from(labels.data)).toEqual(before);
    expect(names(edits)).toBe('abc');
    expect(where.session.canUndo).toBe(false);
  });

  it('locked is not removed', async () => {
    const { where, edits } = await place();
    edits.change(2, { locked: true });
    edits.remove(2);
    expect(names(edits)).toBe('abc');
    expect(where.told[0]).toContain('locked');
  });

  it('shown alone hides the others; again, it shows all', async () => {
    const { edits } = await place();
    const shown = () => edits.segments.map(({ visible }) => visible);
    edits.showOnly(2);
    expect(shown()).toEqual([false, true, false]);
    edits.showOnly(2);
    expect(shown()).toEqual([true, true, true]);
  });

  it('advance through every state and begin again', async () => {
    const { edits } = await place();
    const seen = STATES.map(() => {
      edits.advance(1);
      return edits.segments[0].state;
    });
    expect(seen).toEqual([
      'in-progress',
      'completed',
      'flagged',
      'not-started'
    ]);
  });

  it('are summed up in words', () => {
    const states = (...list: string[]) =>
      summary(
        list.map(state => ({ state: state as 'completed' })),
        untranslated
      );
    expect(states('not-started', 'not-started')).toBe('');
    expect(states('completed', 'flagged', 'in-progress')).toBe(
      '1 of 3 completed, 1 flagged'
    );
  });

  it.each([11, 12, 13, 14])(
    'any sequence of edits undone is the start, redone is the end (%i)',
    async seed => {
      const random = randomFrom(seed);
      const { where, edits } = await place(5);
      const { labels } = where.session;
      labels.data.forEach((_, at) => {
        labels.data[at] = Math.floor(random() * 6);
      });
      const one = () =>
        edits.segments[Math.floor(random() * edits.segments.length)]?.id ?? 0;
      const state = () =>
        JSON.stringify([labels.segments, Array.from(labels.data)]);
      const actions = [
        () => edits.add(),
        () => edits.change(one(), { name: `n${random()}` }),
        () => edits.change(one(), { color: '#00ff00', opacity: 40 }),
        () => edits.change(one(), { outlined: random() < 0.5 }),
        () =>
          edits.change(one(), {
            code: { scheme: 'SCT', value: `${random()}`, meaning: 'x' }
          }),
        () => edits.change(one(), { locked: random() < 0.3 }),
        () => edits.advance(one()),
        () => edits.showOnly(one()),
        () => edits.moveBy(one(), random() < 0.5 ? -1 : 2),
        () => edits.remove(one())
      ];
      const states = [state()];
      while (states.length < 81) {
        actions[Math.floor(random() * actions.length)]();
        if (state() !== states[states.length - 1]) {
          states.push(state());
        }
      }

      for (const expected of [...states].reverse()) {
        expect(state()).toBe(expected);
        where.session.undo();
      }
      for (const expected of states.slice(1)) {
        where.session.redo();
        expect(state()).toBe(expected);
      }
    }
  );
});

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import {
  type IWish,
  LivePreview
} from '../../../../labextension/src/editor/effects/live_preview';
import { EffectStage, previewFrame } from './effect_stage';

const BOX = [0, 2, 0, 2, 0, 1] as const;
const WISH: IWish = { tool: 'margin', params: { segment: 1, mm: 2 } };

function frame(places: Record<number, number>, rev = 0, more = {}) {
  return previewFrame([...BOX], places, rev, more);
}

/** A quiet moment: what waits to be asked for is asked for, answers are taken. */
const quiet = () => vi.advanceTimersByTimeAsync(1000);

function open(): { stage: EffectStage; live: LivePreview } {
  const stage = new EffectStage([2, 2, 2]);
  return { stage, live: new LivePreview(stage.context) };
}

describe('LivePreview', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('shows what the server answers, and does it when accepted', async () => {
    const { stage, live } = open();

    live.want(WISH);
    await quiet();
    expect(stage.server.last.body).toEqual({
      ...{ scan: 'scan', layer: 'labels', rev: 0, params: WISH.params }
    });
    stage.server.last.answer(200, frame({ 0: 1, 3: 1 }));
    await quiet();

    expect(live.state).toMatchObject({ kind: 'shown', count: { changed: 2 } });
    expect(stage.scene.proposal).not.toBeNull();
    expect(stage.painted()).toEqual([]);
    expect(live.accept()).toBe(true);
    expect(stage.painted()).toEqual([0, 3]);
    expect(stage.scene.proposal).toBeNull();
    expect(live.state.kind).toBe('none');
  });

  it('asks once for many changes in a row', async () => {
    const { stage, live } = open();

    for (const mm of [1, 2, 3]) {
      live.want({ ...WISH, params: { segment: 1, mm } });
    }
    await quiet();

    expect(stage.server.asked.map(({ body }) => body?.params)).toEqual([
      { segment: 1, mm: 3 }
    ]);
  });

  it('waits until the server has every stroke', async () => {
    const { stage, live } = open();
    let save: (rev: number) => void = () => undefined;
    stage.settled = () => new Promise(resolve => (save = resolve));

    live.want(WISH);
    await quiet();
    expect(stage.server.asked).toEqual([]);
    stage.rev = 7;
    save(7);
    await quiet();

    expect(stage.server.last.body?.rev).toBe(7);
  });

  it('gives up a question once there is another wish', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();
    const first = stage.server.last;

    live.want({ ...WISH, params: { segment: 1, mm: 9 } });
    await quiet();

    expect(first.isAborted).toBe(true);
    stage.server.last.answer(200, frame({ 1: 1 }));
    await quiet();
    expect(live.state).toMatchObject({ kind: 'shown', count: { changed: 1 } });
  });

  it('tells how far a long tool is, and ends it on the server', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();
    stage.server.last.answer(202, {
      job: 'a b',
      progress: 0.5,
      message: 'Half'
    });
    await quiet();
    expect(live.state).toEqual({
      ...{ kind: 'asking', progress: 0.5, message: 'Half' }
    });
    expect(stage.server.last.path).toBe('smart/jobs/a%20b?wait_s=2');

    live.drop();
    await quiet();

    expect(
      stage.server.asked.map(({ method, path }) => [method, path])
    ).toEqual([
      ['POST', 'smart/margin'],
      ['GET', 'smart/jobs/a%20b?wait_s=2'],
      ['DELETE', 'smart/jobs/a%20b']
    ]);
    expect(live.state.kind).toBe('none');
    expect(stage.scene.proposal).toBeNull();
  });

  it('asks again when somebody draws while a preview is shown', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();
    stage.server.last.answer(200, frame({ 0: 1 }));
    await quiet();

    stage.draw(5, 2);
    expect(live.state.kind).toBe('asking');
    await quiet();

    expect(stage.server.asked).toHaveLength(2);
    expect(stage.server.last.body?.rev).toBe(1);
  });

  it('never does what was worked out before somebody drew', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();
    const old = stage.server.last;
    stage.draw(5, 2);
    old.answer(200, frame({ 0: 1 }, 0));
    await vi.advanceTimersByTimeAsync(10);

    expect(live.accept()).toBe(true);
    expect(stage.painted()).toEqual([]);
    await quiet();
    stage.server.last.answer(200, frame({ 3: 1 }, 1));
    await quiet();

    // Apply was pressed: what comes of the labels as they are now is done.
    expect(stage.painted()).toEqual([3]);
  });

  it('asks again when the server was already further than the page', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();

    stage.server.last.answer(200, frame({ 0: 1 }, 4));
    await quiet();

    expect(stage.server.asked).toHaveLength(2);
    expect(live.state.kind).toBe('asking');
  });

  it('keeps a preview when a segment only gets another name', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();
    stage.server.last.answer(200, frame({ 0: 1 }));
    await quiet();

    const [first, ...others] = stage.labels.segments;
    stage.labels.setSegments([{ ...first, name: 'renamed' }, ...others]);
    expect(live.state.kind).toBe('shown');

    stage.labels.setSegments([{ ...first, locked: true }, ...others]);
    expect(live.state.kind).toBe('asking');
  });

  it('lets a model wait to be asked again after a stroke', async () => {
    const { stage, live } = open();
    live.want({ ...WISH, isHeavy: true });
    await quiet();
    stage.server.last.answer(200, frame({ 0: 1 }));
    await quiet();

    stage.draw(5, 2);
    await quiet();

    expect(live.state.kind).toBe('outdated');
    expect(stage.server.asked).toHaveLength(1);
    expect(live.accept()).toBe(false);
    expect(stage.painted()).toEqual([]);
  });

  it('takes single segments out of a preview and back in', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();
    stage.server.last.answer(200, frame({ 0: 1, 1: 2, 2: 2 }));
    await quiet();

    live.choose(2, false);
    expect(live.state).toMatchObject({ kind: 'shown', count: { changed: 1 } });
    live.choose(2, true);
    expect(live.state).toMatchObject({ kind: 'shown', count: { changed: 3 } });
    live.choose(1, false);
    live.accept();

    expect(stage.painted(1)).toEqual([]);
    expect(stage.painted(2)).toEqual([1, 2]);
  });

  it('passes on the one sentence of the server', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();

    stage.server.last.answer(422, { message: 'Paint two segments first.' });
    await quiet();

    expect(live.state).toEqual({
      ...{ kind: 'failed', sentence: 'Paint two segments first.' },
      mayRetry: false
    });
  });

  it('says where the tools are when nobody knows their address', async () => {
    const { stage, live } = open();
    live.want(WISH);
    await quiet();

    stage.server.last.answer(404, {});
    await quiet();

    expect(live.state).toMatchObject({
      kind: 'failed',
      sentence: expect.stringMatching(/runs in the medlab server extension/)
    });
  });

  it('says so when nothing would change', async () => {
    const { stage, live } = open();
    stage.labels.setSegments(
      stage.labels.segments.map(each => ({ ...each, locked: each.id === 1 }))
    );
    live.want(WISH);
    await quiet();

    stage.server.last.answer(200, frame({ 0: 1, 1: 1 }));
    await quiet();

    expect(live.state).toMatchObject({
      kind: 'empty',
      count: { changed: 0, spared: { locked: 2, others: 0 } }
    });
    expect(live.accept()).toBe(false);
  });
});

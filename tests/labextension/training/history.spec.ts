import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

import type { IServer } from '../../../labextension/src/server/connection';
import type { IMetricLine } from '../../../labextension/src/server/types';
import { picturesOf } from '../../../labextension/src/training/lines';
import {
  linearTicks,
  logTicks,
  nearest,
  thin
} from '../../../labextension/src/training/scale';
import { RunHistory } from '../../../labextension/src/training/series';
import { RunTail } from '../../../labextension/src/training/tail';
import {
  formatDuration,
  formatNumber
} from '../../../labextension/src/ui/format';

import resumed from '../../contract/resumed.json';

const log = readFileSync('tests/contract/metrics.jsonl', 'utf8');
const lines = log
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as IMetricLine);

describe('RunHistory', () => {
  it('reads the log of the contract into curves and previews', () => {
    const history = new RunHistory();
    history.add(lines);

    const loss = history.series.get('epoch:val_loss');
    const epochs = lines.filter(line => line.kind === 'epoch');
    expect(loss?.steps).toEqual(epochs.map(line => line.step));
    expect(loss?.values).toEqual(epochs.map(line => line.val_loss));
    expect(history.previews).toContainEqual({
      epoch: 1,
      file: 'epoch-0001.png'
    });
    expect([...history.series.keys()]).not.toContain('epoch:seconds');
  });

  it('is the same whether lines come at once or one by one', () => {
    const whole = new RunHistory();
    const slow = new RunHistory();
    whole.add(lines);
    lines.forEach(line => slow.add([line]));
    expect([...slow.series]).toEqual([...whole.series]);
  });

  it('replaces the steps that a resumed run logs again', () => {
    const history = new RunHistory();
    const batch = (step: number, loss: number) => ({
      kind: 'batch',
      step,
      loss
    });
    history.add([
      batch(1, 9),
      batch(2, 8),
      batch(3, 7),
      batch(2, 5),
      batch(3, 4)
    ]);

    const { steps, values } = history.series.get('batch:loss') ?? {};
    expect(steps).toEqual([1, 2, 3]);
    expect(values).toEqual([9, 5, 4]);
  });

  it('ignores kinds and values it does not know', () => {
    const history = new RunHistory();
    history.add([
      { kind: 'weather', step: 1, loss: 1 },
      { kind: 'batch', loss: 1 },
      { kind: 'batch', step: 1, loss: 'NaN' }
    ]);
    expect(history.series.size).toBe(0);
  });
});

describe('the history of a run that was resumed', () => {
  const history = new RunHistory();
  history.add(
    readFileSync('tests/contract/resumed.jsonl', 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as IMetricLine)
  );

  it('has one curve: what was logged last counts', () => {
    for (const [each, told] of [
      ['epoch', resumed.epochs],
      ['batch', resumed.batches]
    ] as const) {
      const loss = history.series.get(`${each}:loss`);
      expect(loss?.steps).toEqual(told.map(line => line.step));
      expect(loss?.values).toEqual(told.map(line => line.loss));
    }
    expect(history.series.get('epoch:loss')?.epochs).toEqual([1, 2, 3]);
    expect(history.previews.map(({ epoch }) => epoch)).toEqual([1, 2]);
  });

  it('has a mark for each intervention, and tells which were undone', () => {
    expect(
      history.marks.map(({ cmd, step, epoch, undone }) => ({
        cmd,
        step,
        epoch,
        undone
      }))
    ).toEqual(resumed.marks);
  });

  it('knows the best epoch of what counts, and rings it', () => {
    expect(history.best).toEqual(resumed.best);
    const pictures = picturesOf([{ name: 'a', history }]);
    const ringed = pictures.flatMap(({ lines }) =>
      lines.filter(line => line.best)
    );
    expect(ringed.map(line => [line.label, line.best])).toEqual([
      ['val_dice', { index: 1, epoch: 2 }]
    ]);
  });

  it('takes the lowest loss for the best where no Dice is measured', () => {
    const other = new RunHistory();
    other.add([
      { kind: 'epoch', epoch: 1, step: 5, val_loss: 0.5 },
      { kind: 'epoch', epoch: 2, step: 10, val_loss: 0.4 },
      { kind: 'epoch', epoch: 3, step: 15, val_loss: 0.4 }
    ]);
    expect(other.best).toMatchObject({ metric: 'val_loss', epoch: 2 });
    expect(new RunHistory().best).toBeNull();
  });

  it('knows since when the run is in its state, whatever is said meanwhile', () => {
    const other = new RunHistory();
    other.add([
      { kind: 'state', t: 10, state: 'compiling', message: 'Reading.' },
      { kind: 'state', t: 14, state: 'compiling', message: 'Going on.' }
    ]);
    expect([other.since, other.message]).toEqual([10, 'Going on.']);
    other.add([{ kind: 'state', t: 20, state: 'running', message: '' }]);
    expect(other.since).toBe(20);
  });
});

describe('picturesOf', () => {
  const history = new RunHistory();
  history.add(lines);

  it('puts the loss first, the learning rate last, validation beside training', () => {
    const pictures = picturesOf([{ name: 'a', history }]);
    expect(pictures.map(picture => picture.name)).toEqual([
      'loss',
      'dice',
      'lr'
    ]);
    expect(pictures[1].lines.map(line => line.label)).toEqual([
      'dice',
      'val_dice'
    ]);
    expect(pictures[1].lines.map(line => line.color)).toEqual([0, 1]);
  });

  it('gives each of several runs a colour and breaks the validation line', () => {
    const [loss] = picturesOf([
      { name: 'a', history },
      { name: 'b', history }
    ]);
    expect(loss.lines.map(line => line.label)).toEqual([
      'a: loss',
      'a: val_loss',
      'b: loss',
      'b: val_loss'
    ]);
    expect(loss.lines.map(line => line.color)).toEqual([0, 0, 1, 1]);
    expect(loss.lines.map(line => line.isDashed)).toEqual([
      false,
      true,
      false,
      true
    ]);
  });
});

describe('scale', () => {
  it('makes ticks a person would choose', () => {
    expect(linearTicks(0, 1, 4)).toEqual([0, 0.5, 1]);
    expect(linearTicks(0.13, 0.37, 4)).toEqual([0.2, 0.3]);
    expect(linearTicks(5, 5, 4)).toEqual([5]);
    expect(logTicks(0.001, 1000)).toEqual([0.001, 0.01, 0.1, 1, 10, 100, 1000]);
    expect(logTicks(0.15, 0.9)).toEqual([0.2, 0.5]);
  });

  it('finds the nearest of ascending numbers', () => {
    expect(nearest([], 3)).toBe(-1);
    expect(nearest([1, 5, 9], 6)).toBe(1);
    expect(nearest([1, 5, 9], 100)).toBe(2);
  });

  it('thins 100,000 points but keeps every spike', () => {
    const xs = Array.from({ length: 100_000 }, (_, i) => i);
    const ys = xs.map(x => (x === 54_321 ? 99 : 1));
    const kept = thin(xs, ys, 0, 99_999, 300);
    expect(kept.length).toBeLessThan(1300);
    expect(kept).toContain(54_321);
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(99_999);
  });
});

describe('format', () => {
  it.each([
    [0.000123, '1.23e-4'],
    [12345.6, '12346'],
    [0.5, '0.5'],
    [100, '100'],
    [NaN, 'NaN']
  ])('%d reads %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [59.6, '1 min 0 s'],
    [3725, '1 h 2 min'],
    [200_000, '2 d 7 h']
  ])('%d s reads %s', (seconds, text) =>
    expect(formatDuration(seconds)).toBe(text)
  );
});

describe('RunTail', () => {
  /** A server that keeps one log in memory and serves it in pieces. */
  function fakeServer(chunk = 4) {
    const state = { lines: [...lines], state: 'running', ack_seq: 0, asked: 0 };
    const server: IServer = {
      labextensions: '',
      request: async (path, init) => {
        await new Promise(resolve => setTimeout(resolve, 2));
        init?.signal?.throwIfAborted();
        if (path.endsWith('/control')) {
          return new Response(JSON.stringify({ seq: 1 }));
        }
        state.asked += 1;
        const from = Number(
          new URLSearchParams(path.split('?')[1]).get('from')
        );
        const piece = state.lines.slice(from, from + chunk);
        const { ack_seq } = state;
        const status = { state: state.state, ack_seq };
        const next = from + piece.length;
        return new Response(JSON.stringify({ next, lines: piece, status }));
      }
    };
    return { server, state };
  }

  const until = async (met: () => boolean) => {
    for (let i = 0; i < 400 && !met(); i++) {
      await new Promise(resolve => setTimeout(resolve, 5));
    }
    expect(met()).toBe(true);
  };

  it('reads everything from the first byte, and what comes later', async () => {
    const { server, state } = fakeServer();
    const tail = new RunTail(server, 'r', () => undefined);
    tail.follow();
    await until(() => tail.isComplete);
    const whole = new RunHistory();
    whole.add(lines);
    expect([...tail.history.series]).toEqual([...whole.series]);

    state.lines.push({ kind: 'batch', step: 9999, loss: 0.1 });
    await until(
      () => tail.history.series.get('batch:loss')?.steps.at(-1) === 9999
    );
    tail.pause();
  });

  it('asks nothing while nobody looks, and goes on where it was', async () => {
    const { server, state } = fakeServer();
    const tail = new RunTail(server, 'r', () => undefined);
    tail.follow();
    await until(() => tail.isComplete);
    tail.pause();
    await new Promise(resolve => setTimeout(resolve, 20));
    const asked = state.asked;
    await new Promise(resolve => setTimeout(resolve, 60));
    expect(state.asked).toBe(asked);
  });

  it('asks for a change of settings with its values', async () => {
    const { server } = fakeServer();
    const sent: unknown[] = [];
    const spying: IServer = {
      labextensions: '',
      request: (path, init) => {
        if (path.endsWith('/control')) {
          sent.push(JSON.parse(String(init?.body)));
        }
        return server.request(path, init);
      }
    };
    const tail = new RunTail(spying, 'r', () => undefined);
    await tail.ask('set', { learning_rate: 0.001 });

    expect(sent).toEqual([{ cmd: 'set', args: { learning_rate: 0.001 } }]);
    expect(tail.command).toMatchObject({ state: 'requested', seq: 1 });
  });

  it('tells a command that was asked for from one that was acted on', async () => {
    const { server, state } = fakeServer();
    const tail = new RunTail(server, 'r', () => undefined);
    tail.follow();
    await until(() => tail.isComplete);
    await tail.ask('pause');
    expect(tail.command?.state).toBe('requested');

    state.ack_seq = 1;
    await until(() => tail.command?.state === 'acknowledged');
    tail.pause();
  });
});

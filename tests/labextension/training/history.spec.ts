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

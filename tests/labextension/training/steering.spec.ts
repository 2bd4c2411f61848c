import { describe, expect, it } from 'vitest';

import {
  differencesOf,
  distinctNames
} from '../../../labextension/src/training/differences';
import { factsOf, isStarving } from '../../../labextension/src/training/facts';
import {
  glyphOf,
  groupMarks,
  type IMark
} from '../../../labextension/src/training/marks';
import { RunHistory } from '../../../labextension/src/training/series';
import {
  baseRate,
  readEpochs,
  readRate
} from '../../../labextension/src/training/settings';
import {
  alertTitle,
  alertWord,
  chartMarks,
  commandWords,
  ENGLISH,
  markWords
} from '../../../labextension/src/training/words';

const mark = (cmd: string, step: number, more: Partial<IMark> = {}): IMark => ({
  cmd,
  step,
  epoch: 1,
  undone: false,
  ...more
});

describe('settings that change while a run trains', () => {
  it.each([
    ['0.001', 0.001],
    [' 1e-4 ', 1e-4],
    ['0,02', 0.02]
  ])('reads the learning rate %j', (text, value) =>
    expect(readRate(text)).toEqual({ value })
  );

  it.each(['', '  ', '0', '-1', 'fast', 'Infinity', '1.2.3'])(
    'refuses the learning rate %j',
    text => expect(readRate(text)).toEqual({ problem: 'not-a-rate' })
  );

  it('takes whole epochs, and not fewer than have begun', () => {
    expect(readEpochs('12', 7)).toEqual({ value: 12 });
    expect(readEpochs('7', 7)).toEqual({ value: 7 });
    for (const text of ['6', '7.5', '', 'ten']) {
      expect(readEpochs(text, 7)).toEqual({ problem: 'not-epochs' });
    }
  });

  it('shows the learning rate that was set last, else the recipe, else the log', () => {
    const history = new RunHistory();
    expect(baseRate(history, null)).toBeNull();
    history.add([{ kind: 'epoch', epoch: 1, step: 5, lr: 0.003 }]);
    expect(baseRate(history, null)).toBe(0.003);
    expect(baseRate(history, { learning_rate: 0.01 })).toBe(0.01);
    history.add([
      { kind: 'control', cmd: 'set', args: { learning_rate: 0.5 }, step: 6 },
      { kind: 'control', cmd: 'set', args: { epochs: 9 }, step: 7 }
    ]);
    expect(baseRate(history, { learning_rate: 0.01 })).toBe(0.5);
  });

  it('says what was asked for in words', () => {
    const words = commandWords('set', ENGLISH, {
      learning_rate: 0.0005,
      epochs: 9
    });
    expect(words.requested).toBe('Learning rate 5e-4, 9 epochs requested…');
    expect(words.done).toBe('Learning rate 5e-4, 9 epochs acknowledged.');
  });
});

describe('marks', () => {
  it('differ by their sign, not by colour alone', () => {
    const marks = [
      mark('pause', 1),
      mark('resume', 1),
      mark('stop', 1),
      mark('checkpoint', 1),
      mark('resumed', 1),
      mark('alert', 1),
      mark('set', 1, { args: { learning_rate: 1 } }),
      mark('set', 1, { args: { epochs: 1 } })
    ];
    expect(new Set(marks.map(glyphOf)).size).toBe(marks.length);
  });

  it('tell what, where, when, and whether it lasted', () => {
    const t = 1795224605;
    const when = new Date(t * 1000).toLocaleTimeString();
    const args = { learning_rate: 0.0005 };
    expect(markWords(mark('set', 12, { t, args }), ENGLISH)).toBe(
      `Learning rate 5e-4 · epoch 1, step 12 · ${when}`
    );
    expect(markWords(mark('pause', 3, { undone: true }), ENGLISH)).toBe(
      'Paused · epoch 1, step 3 · before the run went on from an earlier step'
    );
  });

  it('that lie over one another become one, in order', () => {
    const shown = chartMarks(
      [mark('resume', 41), mark('pause', 40), mark('stop', 90)],
      ENGLISH
    );
    const groups = groupMarks(shown, x => x * 2, 22);
    expect(groups.map(({ x, marks }) => [x, marks.length])).toEqual([
      [40, 2],
      [90, 1]
    ]);
    expect(groups[0].marks[0].text).toContain('Paused');
  });

  it('name an alert in its banner, unless the message begins so', () => {
    const alert = { code: 'disk-full', message: 'No room.' };
    expect(alertTitle(alert, ENGLISH)).toBe('The disk is full');
    const message = 'The disk is full: the log could not be saved.';
    expect(alertTitle({ ...alert, message }, ENGLISH)).toBe('');
  });

  it('name every alert there is, and one that is new', () => {
    const codes = ['disk-full', 'disk-failed', 'not-finite', 'out-of-memory'];
    const names = codes.map(code => alertWord(code, ENGLISH));
    expect(new Set(names).size).toBe(codes.length);
    expect(alertWord('comet', ENGLISH)).toBe('Something needs attention');
  });
});

describe('where a run stands', () => {
  it('tells how long it compiles, and that it waits for data', () => {
    expect(factsOf({ state: 'compiling' }, 72.4, ENGLISH)[0]).toBe(
      'compiling for 1 min 12 s'
    );
    expect(factsOf({ state: 'compiling' }, null, ENGLISH)[0]).toBe(
      'compiles the training step'
    );
    expect(
      factsOf(
        { state: 'running', epoch: 2, wait_share: 0.123, compile_s: 9.2 },
        1,
        ENGLISH
      )
    ).toEqual([
      'epoch 2',
      'step 0',
      'waits for data 12 %',
      'compiled in 9.2 s'
    ]);
  });

  it('warns above a tenth of waiting, while something can be done', () => {
    expect(isStarving({ state: 'running', wait_share: 0.1 })).toBe(false);
    expect(isStarving({ state: 'running', wait_share: 0.11 })).toBe(true);
    expect(isStarving({ state: 'finished', wait_share: 0.5 })).toBe(false);
    expect(isStarving({ state: 'running', wait_share: null })).toBe(false);
  });
});

describe('runs side by side', () => {
  it('differ in the settings that differ, however deep', () => {
    const first = {
      name: 'first',
      loss: 'dice',
      epochs: 3,
      template_args: { widths: [8, 16], dropout: 0.1 },
      cases: [{ scan: 'a.nrrd', series: null }]
    };
    const second = {
      ...first,
      name: 'second',
      loss: { name: 'tversky', alpha: 0.3 },
      template_args: { widths: [8, 32], dropout: 0.1 },
      fold: 1
    };
    expect(
      differencesOf([
        { name: 'a', recipe: first },
        { name: 'b', recipe: second }
      ])
    ).toEqual([
      { setting: 'loss', values: ['dice', '—'] },
      { setting: 'template_args.widths', values: ['8, 16', '8, 32'] },
      { setting: 'loss.name', values: ['—', 'tversky'] },
      { setting: 'loss.alpha', values: ['—', '0.3'] },
      { setting: 'fold', values: ['—', '1'] }
    ]);
  });

  it('have nothing to tell when recipes are the same or missing', () => {
    const recipe = { epochs: 3, cases: [{ scan: 'a.nrrd' }] };
    expect(
      differencesOf([
        { name: 'a', recipe },
        { name: 'b', recipe: { ...recipe } }
      ])
    ).toEqual([]);
    expect(
      differencesOf([
        { name: 'a', recipe: null },
        { name: 'b', recipe: null }
      ])
    ).toEqual([]);
  });

  it('keep their names, unless two share one', () => {
    const runs = [
      { id: '20261121T013000Z-0a1b2c', name: 'lungs' },
      { id: '20261121T023000Z-ffffff', name: 'lungs' },
      { id: '20261121T033000Z-abcdef', name: 'spine' }
    ];
    expect(distinctNames(runs)).toEqual([
      'lungs (0a1b2c)',
      'lungs (ffffff)',
      'spine'
    ]);
  });
});

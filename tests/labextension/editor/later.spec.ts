import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import {
  Later,
  type Work
} from '../../../labextension/src/editor/labels/later';

let now = 0;
let heard: string[] = [];

beforeEach(() => {
  heard = [];
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  vi.spyOn(performance, 'now').mockImplementation(() => now);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** Works 3 ms between pauses. */
function* slow(steps: number, outcome: string): Work<string> {
  for (let step = 0; step < steps; step++) {
    now += 3;
    yield;
  }
  return outcome;
}

const listen = (outcome: string) => heard.push(outcome);

describe('Later', () => {
  it('ends short work at once', () => {
    const later = new Later<string>();
    later.start(slow(1, 'short'), listen);

    expect([later.isBusy, heard]).toEqual([false, ['short']]);
  });

  it('gives the page its turn before it ends long work, once', () => {
    const later = new Later<string>();
    const began = now;
    later.start(slow(9, 'long'), listen);
    expect([later.isBusy, heard]).toEqual([true, []]);
    expect(now - began).toBeLessThan(9);

    vi.runAllTimers();

    expect([later.isBusy, heard]).toEqual([false, ['long']]);
  });

  it('ends what is left when asked, and when the next begins, in order', () => {
    const later = new Later<string>();
    later.start(slow(9, 'first'), listen);
    later.start(slow(9, 'second'), listen);
    expect(heard).toEqual(['first']);

    later.finish();
    vi.runAllTimers();

    expect(heard).toEqual(['first', 'second']);
  });
});

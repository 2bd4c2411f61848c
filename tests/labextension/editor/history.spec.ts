import { describe, expect, it } from 'vitest';

import { paintBalls } from '../../../labextension/src/editor/tools/brush';
import {
  applyEdit,
  boxes,
  type Edit,
  inverted,
  segmentsEdit
} from '../../../labextension/src/editor/labels/delta';
import {
  History,
  redoing,
  undoing
} from '../../../labextension/src/editor/labels/history';
import { mergeSegments } from '../../../labextension/src/editor/labels/lists';
import { rebased } from '../../../labextension/src/editor/labels/rebase';
import { Ink } from '../../../labextension/src/editor/tools/ink';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import { Stroke } from '../../../labextension/src/editor/labels/stroke';
import { fullSegment } from '../../../labextension/src/server/wire';
import type { Turn } from '../../../labextension/src/server/messages';
import type { Labels } from '../../../labextension/src/server/voxels';
import type { ISegment, Triple } from '../../../labextension/src/server/types';

const SHAPE: Triple = [47, 38, 11];

/** Numbers from 0 to 1 that are the same every time (mulberry32). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function stroke(map: LabelMap, random: () => number): Edit | null {
  const label = Math.floor(random() * 4);
  const pen = new Stroke(map, 'brush', label);
  const ink = new Ink(map, pen, label, map.writable(), null);
  const place = (): Triple =>
    SHAPE.map(size => Math.floor(random() * (size + 8)) - 4) as Triple;
  for (let piece = 0; piece < 3; piece++) {
    paintBalls(ink, place(), place(), 1 + random() * 6, [1, 1.2, 2]);
  }
  return pen.finish();
}

describe('a stroke', () => {
  it.each([1, 2, 3, 4, 5])(
    'knows what was there and what is there: seed %i',
    seed => {
      const random = dice(seed);
      const map = new LabelMap(SHAPE);
      for (let count = 0; count < 10; count++) {
        const before = map.data.slice();

        const edit = stroke(map, random);

        const copy = new LabelMap(SHAPE, before.slice());
        if (edit) {
          applyEdit(copy, edit);
        }
        expect(same(copy.data, map.data)).toBe(true);
        if (edit) {
          applyEdit(copy, inverted(edit));
        }
        expect(same(copy.data, before)).toBe(true);
      }
    }
  );

  it('that changes nothing is no edit', () => {
    const map = new LabelMap(SHAPE);
    const pen = new Stroke(map, 'eraser', 0);

    const ink = new Ink(map, pen, 0, map.writable(), null);
    paintBalls(ink, [9, 9, 5], [9, 9, 5], 5, [1, 1, 1]);

    expect(pen.finish()).toBeNull();
  });

  it('that is given up leaves the map as it was', () => {
    const map = new LabelMap(SHAPE);
    stroke(map, dice(7));
    const before = map.data.slice();
    const pen = new Stroke(map, 'brush', 3);
    const ink = new Ink(map, pen, 3, map.writable(), null);
    paintBalls(ink, [0, 0, 0], [46, 37, 10], 6, [1, 1, 1]);

    pen.cancel();

    expect(same(map.data, before)).toBe(true);
  });

  it('has the smallest box around what it changed', () => {
    const map = new LabelMap(SHAPE);
    const pen = new Stroke(map, 'brush', 1);
    const ink = new Ink(map, pen, 1, map.writable(), null);
    paintBalls(ink, [20, 15, 5], [20, 15, 5], 2, [1, 1, 1]);

    expect(pen.finish()?.box).toEqual([18, 23, 13, 18, 3, 8]);
  });
});

describe('undo and redo', () => {
  it.each([11, 12, 13, 14, 15, 16])(
    'walk through every state: seed %i',
    seed => {
      const random = dice(seed);
      const map = new LabelMap(SHAPE);
      const history = new History('me');
      let seq = 0;
      const place = () => ({
        ...{ scan: '', layer: '', rev: null, base: 0 },
        ...{ session: 'a', seq: ++seq, by: 'me' }
      });
      const walk = (what: 'undo' | 'redo') => {
        const isUndo = what === 'undo';
        const step = isUndo ? history.nextUndo() : history.nextRedo();
        if (step) {
          replay(isUndo ? undoing(step) : redoing(step));
          const told: Turn = [what, step.session, step.step];
          history.fold({ ...step.edits[0], ...place(), turn: told });
        }
      };
      const states = [map.data.slice()];
      let now = 0;
      const replay = (edits: Edit[]) =>
        edits.forEach(edit => {
          const rest = rebased(map, edit, true);
          if (rest) {
            applyEdit(map, rest);
          }
        });

      for (let turn = 0; turn < 120; turn++) {
        const what = random();
        if (what < 0.5) {
          const edit = stroke(map, random);
          if (edit) {
            history.fold({ ...edit, ...place() });
            states.splice(++now, Infinity, map.data.slice());
          }
        } else if (what < 0.8) {
          expect(history.canUndo).toBe(now > 0);
          walk('undo');
          now = Math.max(0, now - 1);
        } else {
          expect(history.canRedo).toBe(now < states.length - 1);
          walk('redo');
          now = Math.min(states.length - 1, now + 1);
        }
        expect(same(map.data, states[now])).toBe(true);
      }
    }
  );

  it('leave alone what somebody else drew since', () => {
    const map = new LabelMap([4, 1, 1]);
    const mine = edit(map, [1, 1, 1, 0]);
    applyEdit(map, mine);
    applyEdit(map, edit(map, [1, 2, 1, 0]));

    const back = rebased(map, inverted(mine), true) as Edit;
    applyEdit(map, back);

    expect([...map.data]).toEqual([0, 2, 0, 0]);
  });
});

describe('an edit on top of another', () => {
  it('keeps what the other changed where it changes nothing itself', () => {
    const map = new LabelMap([5, 1, 1]);
    const mine = edit(map, [1, 1, 0, 0, 0]);
    map.data.set([0, 3, 3, 3, 0]);

    const moved = rebased(map, mine) as Edit;

    expect([...boxes(moved).before]).toEqual([0, 3, 3, 3, 0]);
    expect([...boxes(moved).after]).toEqual([1, 1, 3, 3, 0]);
  });

  it('is nothing when the other did the same', () => {
    const map = new LabelMap([3, 1, 1]);
    const mine = edit(map, [1, 1, 0]);
    map.data.set([1, 1, 0]);

    expect(rebased(map, mine)).toBeNull();
  });
});

describe('segment lists', () => {
  const lung: ISegment = segment(1, 'lung');

  it('a renaming and another’s recolouring both hold', () => {
    const theirs = [{ ...lung, color: '#000001' }];

    const merged = mergeSegments(theirs, {
      before: [lung],
      after: [{ ...lung, name: 'left lung' }]
    });

    expect(merged).toEqual([{ ...lung, name: 'left lung', color: '#000001' }]);
  });

  it('an added segment can be taken back and added again', () => {
    const map = new LabelMap([1, 1, 1], undefined, [lung]);
    const added = segmentsEdit([lung], [lung, segment(2, 'spine')]);
    applyEdit(map, added);

    applyEdit(map, inverted(added));
    expect(map.segments.map(each => each.name)).toEqual(['lung']);

    applyEdit(map, added);
    expect(map.segments.map(each => each.name)).toEqual(['lung', 'spine']);
  });
});

// Comparing element by element through `toEqual` takes seconds here.
function same(left: Labels, right: Labels): boolean {
  let at = 0;
  while (at < left.length && left[at] === right[at]) {
    at++;
  }
  return at === left.length && at === right.length;
}

function edit(map: LabelMap, labels: number[]): Edit {
  const pen = new Stroke(map, 'brush', 1);
  const before = map.data.slice();
  pen.touch(map.wholeBox);
  map.data.set(labels);
  const made = pen.finish() as Edit;
  map.data.set(before);
  // Over the whole map, as a stroke that passes over others' voxels.
  return { ...made, ...whole(map, before, labels) };
}

function whole(map: LabelMap, before: ArrayLike<number>, after: number[]) {
  const runs = (values: ArrayLike<number>) => {
    const bytes = new Uint8Array(values.length * 6);
    const view = new DataView(bytes.buffer);
    for (let at = 0; at < values.length; at++) {
      view.setUint32(6 * at, 1, true);
      view.setUint16(6 * at + 4, values[at], true);
    }
    return bytes;
  };
  return { box: map.wholeBox, before: runs(before), after: runs(after) };
}

function segment(id: number, name: string): ISegment {
  return fullSegment({ id, name, color: '#ff0000' });
}

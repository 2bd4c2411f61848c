import { describe, expect, it } from 'vitest';

import {
  acceptProposal,
  allowed,
  type IProposal,
  KEEP,
  without
} from '../../../../labextension/src/editor/effects/proposal';
import { countWords } from '../../../../labextension/src/editor/effects/words';
import {
  applyEdit,
  inverted
} from '../../../../labextension/src/editor/labels/delta';
import { OVERWRITES } from '../../../../labextension/src/editor/settings';
import type {
  ISegment,
  Triple
} from '../../../../labextension/src/server/types';
import type { Box } from '../../../../labextension/src/server/voxels';
import { randomFrom, segmentOf } from '../tools_scene';
import { EffectStage, untranslated } from './effect_stage';

type Random = () => number;

const upTo = (random: Random, count: number) => Math.floor(random() * count);

function randomBox(random: Random, shape: Triple): Box {
  return shape.flatMap(size => {
    const start = upTo(random, size);
    return [start, start + 1 + upTo(random, size - start)];
  }) as Box;
}

/** A stage with random labels 0 to 5 (5 is in no list), and a random proposal. */
function randomCase(seed: number): { stage: EffectStage; proposal: IProposal } {
  const random = randomFrom(seed);
  const shape: Triple = [2 + upTo(random, 8), 1 + upTo(random, 8), 3];
  const segments = [1, 2, 3, 4].map(id => ({
    ...{ id, name: `segment ${id}` },
    locked: random() < 0.35,
    visible: random() < 0.65
  }));
  const stage = new EffectStage(shape, segments);
  stage.labels.data.forEach((_, at) => {
    stage.labels.data[at] = upTo(random, 6);
  });
  stage.settings.set({
    segment: 1 + upTo(random, 4),
    overwrites: OVERWRITES[upTo(random, 3)]
  });
  const box = randomBox(random, shape);
  const size = (box[1] - box[0]) * (box[3] - box[2]) * (box[5] - box[4]);
  // 6 is a segment that comes with the proposal, 7 is unknown to all.
  const labels = Uint16Array.from({ length: size }, () =>
    random() < 0.3 ? KEEP : upTo(random, 8)
  );
  const own = [1, 2, 3, 4].filter(() => random() < 0.5);
  const proposal: IProposal = {
    ...{ tool: 'margin', box, labels, segments: own },
    newSegments: [segmentOf({ id: 6, name: 'new' })]
  };
  return { stage, proposal };
}

/** Calls with each voxel of the box: its place in the map and what is proposed. */
function eachVoxel(
  { stage, proposal }: ReturnType<typeof randomCase>,
  visit: (at: number, label: number) => void
): void {
  const [i0, i1, j0, j1, k0, k1] = proposal.box;
  const [I, J] = stage.labels.shape;
  let n = 0;
  for (let k = k0; k < k1; k++) {
    for (let j = j0; j < j1; j++) {
      for (let i = i0; i < i1; i++) {
        visit(i + I * (j + J * k), proposal.labels[n++]);
      }
    }
  }
}

/** May a voxel of label `before` become `after`? Written out from the rules in words. */
function mayBecome(
  { stage, proposal }: ReturnType<typeof randomCase>,
  segments: readonly ISegment[],
  before: number,
  after: number
): boolean {
  const find = (id: number) => segments.find(segment => segment.id === id);
  const { overwrites } = stage.settings.values;
  const isClosed = (id: number) => {
    const segment = find(id);
    return (
      segment !== undefined &&
      (segment.locked || (!segment.visible && overwrites !== 'everything'))
    );
  };
  if (after === KEEP || after === before || after === 7 || after === 5) {
    return false;
  }
  if (isClosed(before) || isClosed(after)) {
    return false;
  }
  if (overwrites === 'background') {
    const isOwn = proposal.segments?.includes(before) ?? false;
    return isOwn || (before === 0 && after !== 0);
  }
  return after !== 0 || (proposal.segments ?? []).length > 0;
}

// Slow machines have time.
describe('acceptProposal', { timeout: 60_000 }, () => {
  it('changes what the rules allow and nothing else, in 150 random cases', () => {
    let changes = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const one = randomCase(seed);
      const { stage, proposal } = one;
      const start = stage.labels.data.slice();
      const { segments } = stage.labels;
      const expected = start.slice();
      eachVoxel(one, (at, label) => {
        if (mayBecome(one, segments, start[at], label)) {
          expected[at] = label;
          changes++;
        }
      });

      acceptProposal(stage.context, proposal);

      expect(stage.labels.data, `seed ${seed}`).toEqual(expected);
    }
    expect(changes).toBeGreaterThan(150);
  });

  it('never changes a locked voxel, nor a hidden one unless told to', () => {
    for (let seed = 1001; seed <= 1150; seed++) {
      const { stage, proposal } = randomCase(seed);
      const start = stage.labels.data.slice();
      const { overwrites } = stage.settings.values;
      const closed = stage.labels.segments
        .filter(
          ({ locked, visible }) =>
            locked || (!visible && overwrites !== 'everything')
        )
        .map(({ id }) => id);

      acceptProposal(stage.context, proposal);

      stage.labels.data.forEach((label, at) => {
        if (label !== start[at]) {
          expect(closed, `seed ${seed}`).not.toContain(start[at]);
          expect(closed, `seed ${seed}`).not.toContain(label);
        }
      });
    }
  });

  it('is one step, and that step taken back is the start', () => {
    for (let seed = 2001; seed <= 2100; seed++) {
      const { stage, proposal } = randomCase(seed);
      const start = stage.labels.data.slice();
      const { segments } = stage.labels;

      acceptProposal(stage.context, proposal);

      expect(stage.steps).toHaveLength(1);
      const [step] = stage.steps;
      expect(step[0].segments?.after.map(({ id }) => id)).toEqual([
        ...[1, 2, 3, 4, 6]
      ]);
      const end = stage.labels.data.slice();
      [...step].reverse().forEach(edit => {
        applyEdit(stage.labels, inverted(edit));
      });
      expect(stage.labels.data, `seed ${seed}`).toEqual(start);
      expect(stage.labels.segments).toEqual(segments);
      step.forEach(edit => applyEdit(stage.labels, edit));
      expect(stage.labels.data, `seed ${seed}`).toEqual(end);
    }
  });

  it('counts exactly the voxels that change, and those it leaves alone', () => {
    for (let seed = 3001; seed <= 3100; seed++) {
      const one = randomCase(seed);
      const { stage, proposal } = one;
      const start = stage.labels.data.slice();
      const { count } = allowed(stage.context, proposal);
      let asked = 0;
      eachVoxel(one, (at, label) => {
        asked += label !== KEEP && label !== start[at] ? 1 : 0;
      });

      acceptProposal(stage.context, proposal);

      const changed = stage.labels.data.filter(
        (label, at) => label !== start[at]
      ).length;
      const gained = stage.labels.data.filter(
        (label, at) => label === 1 && start[at] !== 1
      ).length;
      const { locked, others } = count.spared;
      expect(count.changed, `seed ${seed}`).toBe(changed);
      expect(count.gained.get(1) ?? 0).toBe(gained);
      expect(changed + locked + others).toBe(asked);
    }
  });

  it('commits nothing when it changes nothing', () => {
    const stage = new EffectStage([3, 3, 3]);
    const labels = new Uint16Array(27).fill(KEEP);

    const isDone = acceptProposal(stage.context, {
      ...{ tool: 'margin', box: [0, 3, 0, 3, 0, 3], labels }
    });

    expect(isDone).toBe(false);
    expect(stage.steps).toEqual([]);
  });
});

describe('without', () => {
  it('leaves a segment out: what it would get, and what it would lose', () => {
    const stage = new EffectStage([4, 1, 1]);
    stage.labels.data.set([0, 0, 2, 1]);
    const proposal: IProposal = {
      ...{ tool: 'model', box: [0, 4, 0, 1, 0, 1] },
      labels: Uint16Array.of(1, 2, 0, 0)
    };

    const rest = without(stage.labels, proposal, new Set([2]));

    expect([...rest.labels]).toEqual([1, KEEP, KEEP, 0]);
  });
});

describe('countWords', () => {
  it('tells what is added, from whom, and what is left alone', () => {
    const segments = [
      segmentOf({ id: 1, name: 'left lung' }),
      segmentOf({ id: 2, name: 'liver' })
    ];
    const count = {
      gained: new Map([[1, 1234]]),
      lost: new Map([
        [0, 1222],
        [2, 12]
      ]),
      changed: 1234,
      spared: { locked: 3, others: 0 }
    };

    expect(countWords(count, segments, untranslated)).toBe(
      '+1,234 voxels to left lung, 12 from liver; 3 locked voxels left alone'
    );
  });

  it('tells what is cleared', () => {
    const segments = [segmentOf({ id: 1, name: 'left lung' })];
    const count = {
      gained: new Map([[0, 40]]),
      lost: new Map([[1, 40]]),
      changed: 40,
      spared: { locked: 0, others: 7 }
    };

    expect(countWords(count, segments, untranslated)).toBe(
      '−40 voxels from left lung; 7 hidden or protected voxels left alone'
    );
  });
});

import { describe, expect, it } from 'vitest';

import { copiedSlice } from '../../../../labextension/src/editor/effects/copy_slice';
import type { Missing } from '../../../../labextension/src/editor/effects/place';
import {
  type IProposal,
  KEEP
} from '../../../../labextension/src/editor/effects/proposal';
import { thresholdSketch } from '../../../../labextension/src/editor/effects/threshold_sketch';
import { PLANES } from '../../../../labextension/src/editor/view/geometry';
import { kindsIn } from '../../../../labextension/src/editor/view/proposal_layer';
import { rectOf } from '../../../../labextension/src/editor/view/raster';
import type { Triple } from '../../../../labextension/src/server/types';
import { diagonal, randomFrom, ToolScene } from '../tools_scene';
import { EffectStage } from './effect_stage';

const CLEARED = 65534;

/** What would become of a voxel, looked up by its index. */
function kindOf(scene: ToolScene, shown: IProposal, ijk: Triple): number {
  const { box, labels } = shown;
  const [i, j, k] = ijk;
  const isInside = ijk.every(
    (x, axis) => x >= box[2 * axis] && x < box[2 * axis + 1]
  );
  const width = box[1] - box[0];
  const height = box[3] - box[2];
  const label = isInside
    ? labels[i - box[0] + width * (j - box[2] + height * (k - box[4]))]
    : KEEP;
  const now = scene.labels.labelAt(ijk);
  return label === KEEP || label === now ? 0 : label || CLEARED;
}

describe('kindsIn', () => {
  it('finds in all planes, however the voxels lie, what a voxel would become', () => {
    const random = randomFrom(7);
    for (const signs of [
      [1, 1, 1],
      [-1, 1, -1],
      [1, -1, -1]
    ] as Triple[]) {
      const scene = new ToolScene([5, 6, 7], { affine: diagonal(signs) });
      scene.labels.data.forEach((_, at) => {
        scene.labels.data[at] = Math.floor(3 * random());
      });
      const shown: IProposal = {
        ...{ tool: 'margin', box: [1, 4, 0, 5, 2, 7] },
        labels: Uint16Array.from({ length: 3 * 5 * 5 }, () =>
          random() < 0.4 ? KEEP : Math.floor(3 * random())
        )
      };
      for (const plane of PLANES) {
        const view = scene.view(plane);
        const index = 3;
        scene.scene.moveCrosshair([index, index, index]);
        const rect = rectOf(view.slice, index, shown.box)!;
        const kinds = kindsIn(shown, scene.labels, view.slice, index, rect);
        const width = rect.x1 - rect.x0 + 2;
        for (let y = rect.y0; y < rect.y1; y++) {
          for (let x = rect.x0; x < rect.x1; x++) {
            const at = (y - rect.y0 + 1) * width + x - rect.x0 + 1;
            const ijk = view.ijkAt(x, y);
            expect(kinds[at], `${plane} ${ijk}`).toBe(
              kindOf(scene, shown, ijk)
            );
          }
        }
      }
    }
  });
});

describe('copiedSlice', () => {
  it('proposes what the slice before holds of the segment', () => {
    const stage = new EffectStage([3, 2, 4], [{ id: 1 }, { id: 2 }]);
    stage.scene.moveCrosshair([0, 0, 2]);
    stage.labels.data.set([1, 2, 0, 0, 1, 1], 6);
    const place = { context: stage.context, seed: null };

    const one = copiedSlice(place, { which: 'chosen' }, -1) as IProposal;
    const all = copiedSlice(place, { which: 'all' }, -1) as IProposal;

    expect(one.box).toEqual([0, 3, 0, 2, 2, 3]);
    expect([...one.labels]).toEqual([1, KEEP, KEEP, KEEP, 1, 1]);
    expect([...all.labels]).toEqual([1, 2, KEEP, KEEP, 1, 1]);
  });

  it('says so at the last slice, and where there is nothing', () => {
    const stage = new EffectStage([3, 2, 4]);
    const place = { context: stage.context, seed: null };
    stage.scene.moveCrosshair([0, 0, 3]);

    const beyond = copiedSlice(place, { which: 'all' }, 1);
    const empty = copiedSlice(place, { which: 'all' }, -1);

    expect((beyond as Missing).sentence).toMatch(/no slice on that side/);
    expect((empty as Missing).sentence).toMatch(/holds nothing/);
  });
});

describe('thresholdSketch', () => {
  it('labels the range alone, within a segment, around locks', () => {
    const stage = new EffectStage(
      [6, 1, 1],
      [{ id: 1 }, { id: 2 }, { id: 3, locked: true }]
    );
    stage.scene.volume.data.set([9, 10, 15, 20, 21, 15]);
    stage.labels.data.set([0, 0, 2, 2, 0, 3]);
    const place = { context: stage.context, seed: null };
    const values = { low: 10, high: 20, extent: 'volume', within: null };

    const anywhere = thresholdSketch(place, values)!;
    const inside = thresholdSketch(place, { ...values, within: 2 })!;

    const labels = (sketch: typeof anywhere) =>
      [0, 1, 2, 3, 4, 5].map(at => sketch.labelAt(at));
    expect(labels(anywhere)).toEqual([KEEP, 1, 1, 1, KEEP, KEEP]);
    expect(labels(inside)).toEqual([KEEP, KEEP, 1, 1, KEEP, KEEP]);
  });
});

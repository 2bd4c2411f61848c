import { describe, expect, it } from 'vitest';

import { finished } from '../../../labextension/src/editor/labels/later';
import {
  edgeCosts,
  type IEdgeCosts
} from '../../../labextension/src/editor/tools/edge_costs';
import { LivewireTool } from '../../../labextension/src/editor/tools/livewire_tool';
import { ShortestPaths } from '../../../labextension/src/editor/tools/shortest_paths';
import type { Point } from '../../../labextension/src/editor/tools/tool';
import type { Triple } from '../../../labextension/src/server/types';
import { randomFrom, ToolScene } from './tools_scene';

/** An image of one slice; `inside` says what is bright. */
function imageOf(
  shape: Triple,
  spacing: Triple,
  inside: (i: number, j: number) => boolean,
  noise = 0
): ToolScene {
  const random = randomFrom(5);
  const [I, J, K] = shape;
  const voxels = Int16Array.from({ length: I * J * K }, (_, at) => {
    const isIn = inside(at % I, Math.floor(at / I) % J);
    return Math.round((isIn ? 120 : -40) + noise * (2 * random() - 1));
  });
  return new ToolScene(shape, { spacing, voxels });
}

function dice(scene: ToolScene, inside: (i: number, j: number) => boolean) {
  const [I, J] = scene.shape;
  const slice = scene.view('axial').index;
  let both = 0;
  let total = 0;
  for (let j = 0; j < J; j++) {
    for (let i = 0; i < I; i++) {
      const isPainted = scene.labels.data[i + I * (j + J * slice)] === 1;
      both += isPainted && inside(i, j) ? 1 : 0;
      total += Number(isPainted) + Number(inside(i, j));
    }
  }
  return (2 * both) / total;
}

/** Clicks knots a little off an edge, all around, and closes. */
function trace(scene: ToolScene, knots: readonly Triple[]): void {
  const view = scene.view('axial');
  const tool = new LivewireTool(scene);
  for (const knot of knots) {
    const at = view.pixelOf(knot);
    tool.hover(view, at);
    tool.begin(view, at);
  }
  tool.finish();
}

describe('livewire', () => {
  it('follows a step edge: what it encloses is the bright rectangle, to the pixel', () => {
    const inside = (i: number, j: number) =>
      i >= 10 && i < 41 && j >= 12 && j < 50;
    const scene = imageOf([60, 64, 3], [1, 1, 1], inside);

    trace(scene, [
      [11, 13, 1],
      [40, 12, 1],
      [39, 49, 1],
      [10, 48, 1]
    ]);

    expect(dice(scene, inside)).toBe(1);
  });

  it('follows a circle that noise blurs, on pixels twice as high as wide', () => {
    const inside = (i: number, j: number) =>
      Math.hypot((i - 50) * 0.7, (j - 25) * 1.4) <= 24;
    const scene = imageOf([100, 50, 3], [0.7, 1.4, 3], inside, 40);

    trace(
      scene,
      [0, 1.5, 3, 4.5].map((turn): Triple => [
        Math.round(50 + (24 / 0.7) * Math.cos(turn)),
        Math.round(25 + (24 / 1.4) * Math.sin(turn)),
        1
      ])
    );

    expect(dice(scene, inside)).toBeGreaterThan(0.98);
  });

  it('goes straight where there is no edge', () => {
    const scene = imageOf([80, 80, 3], [1, 1, 1], () => false);

    trace(scene, [
      [10, 10, 1],
      [70, 14, 1],
      [40, 66, 1]
    ]);

    const triangle = Math.abs(
      ((70 - 10) * (66 - 10) - (40 - 10) * (14 - 10)) / 2
    );
    expect(scene.painted().length / triangle).toBeCloseTo(1, 1);
  });

  it('shows the line to the pointer before the click', () => {
    const inside = (i: number) => i < 30;
    const scene = imageOf([60, 60, 3], [1, 1, 1], inside);
    const view = scene.view('axial');
    const tool = new LivewireTool(scene);
    tool.begin(view, view.pixelOf([29, 50, 1]));

    tool.hover(view, view.pixelOf([29, 8, 1]));

    // Along the edge between i = 29 and i = 30: one x for all, in screen pixels.
    const xs = new Set(view.outline?.next?.map(([x]) => x));
    expect([...xs]).toEqual([view.pixelOf([29.5, 0, 1])[0]]);
    expect(scene.painted()).toEqual([]);
  });

  it('Backspace takes the last knot back', () => {
    const scene = imageOf([60, 60, 3], [1, 1, 1], i => i < 30);
    const view = scene.view('axial');
    const tool = new LivewireTool(scene);
    tool.begin(view, [10, 10]);
    tool.begin(view, [40, 10]);

    tool.back();
    expect(view.outline?.knots?.length).toBe(1);
    tool.back();

    expect(tool.isBusy).toBe(false);
    expect(view.outline).toBeNull();
  });
});

describe('shortest paths', () => {
  it('are as short as Bellman and Ford find them', () => {
    const random = randomFrom(9);
    const voxels = Int16Array.from({ length: 9 * 11 }, () => 300 * random());
    const scene = new ToolScene([9, 11, 1], { voxels, spacing: [1, 2.3, 1] });
    const { slice, index } = scene.view('axial');
    const costs = edgeCosts(scene.scene, slice, index);

    const paths = new ShortestPaths(costs, [3, 4]);
    finished(paths.everywhere());

    const expected = bellmanFord(costs, 3 + costs.columns * 4);
    for (let y = 0; y < costs.rows; y++) {
      for (let x = 0; x < costs.columns; x++) {
        const goal: Point = [x, y];
        expect(paths.costTo(goal)).toBe(expected[paths.at(goal)]);
        expect(costOf(costs, paths.path(goal))).toBe(paths.costTo(goal));
      }
    }
  });

  it('found piece by piece are the same', () => {
    const random = randomFrom(10);
    const voxels = Int16Array.from({ length: 200 * 200 }, () => 300 * random());
    const scene = new ToolScene([200, 200, 1], { voxels });
    const { slice, index } = scene.view('axial');
    const costs = edgeCosts(scene.scene, slice, index);
    const all = new ShortestPaths(costs, [0, 0]);
    finished(all.everywhere());

    const some = new ShortestPaths(costs, [0, 0]);
    const goal: Point = [180, 150];
    let pieces = 1;
    while (!some.reach(goal, 0)) {
      pieces++;
    }

    expect(pieces).toBeGreaterThan(5);
    expect(some.costTo(goal)).toBe(all.costTo(goal));
  });
});

function bellmanFord(costs: IEdgeCosts, start: number): number[] {
  const { columns, rows, right, down } = costs;
  const found = new Array<number>(columns * rows).fill(Infinity);
  found[start] = 0;
  for (let round = 0; round < columns * rows; round++) {
    for (let at = 0; at < columns * rows; at++) {
      const steps: [number, number][] = [];
      if ((at + 1) % columns > 0) {
        steps.push([at + 1, right[at]]);
      }
      if (at + columns < columns * rows) {
        steps.push([at + columns, down[at]]);
      }
      for (const [next, cost] of steps) {
        found[next] = Math.min(found[next], found[at] + cost);
        found[at] = Math.min(found[at], found[next] + cost);
      }
    }
  }
  return found;
}

function costOf({ columns, right, down }: IEdgeCosts, path: Point[]): number {
  let sum = 0;
  for (let at = 1; at < path.length; at++) {
    const [[x0, y0], [x1, y1]] = [path[at - 1], path[at]];
    expect(Math.abs(x0 - x1) + Math.abs(y0 - y1)).toBe(1);
    const first = Math.min(x0, x1) + columns * Math.min(y0, y1);
    sum += y0 === y1 ? right[first] : down[first];
  }
  return sum;
}

import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { finished } from '../../../labextension/src/editor/labels/later';
import { bandAround } from '../../../labextension/src/editor/tools/band';
import {
  floodSlice,
  floodVolume
} from '../../../labextension/src/editor/tools/flood';
import { FloodTool } from '../../../labextension/src/editor/tools/flood_tool';
import type { IRegion } from '../../../labextension/src/editor/tools/region';
import type { Triple } from '../../../labextension/src/server/types';
import { randomFrom, ToolScene } from './tools_scene';

interface IFixture {
  shape: Triple;
  voxels: number[];
  cases: {
    seed: Triple;
    tolerance: number;
    axis: 0 | 1 | 2 | null;
    found: number[];
  }[];
}

/** Made by `make_flood.py` with scikit-image and SciPy. */
const { shape, voxels, cases } = JSON.parse(
  readFileSync('tests/labextension/editor/flood.json', 'utf8')
) as IFixture;

function placesOf({ box, mask }: IRegion, [I, J]: Triple): number[] {
  const places: number[] = [];
  let at = 0;
  for (let k = box[4]; k < box[5]; k++) {
    for (let j = box[2]; j < box[3]; j++) {
      for (let i = box[0]; i < box[1]; i++, at++) {
        if (mask[at]) {
          places.push(i + I * (j + J * k));
        }
      }
    }
  }
  return places;
}

function nothing(): Promise<null> {
  return Promise.resolve(null);
}

function flooding(scene: ToolScene, tool: 'fill' | 'grow'): FloodTool {
  return new FloodTool(scene as never, tool, nothing);
}

describe('flood', () => {
  it.each(cases)(
    'finds what scikit-image finds from $seed within $tolerance, axis $axis',
    ({ seed, tolerance, axis, found }) => {
      const value = voxels[seed[0] + shape[0] * (seed[1] + shape[1] * seed[2])];
      const belongs = (at: number) => Math.abs(voxels[at] - value) <= tolerance;

      const region =
        axis === null
          ? finished(floodVolume(shape, seed, belongs, 1e6))
          : floodSlice(shape, flatAlong(axis), seed, belongs);

      expect(placesOf(region as IRegion, shape)).toEqual(found);
    }
  );

  it('is given up when there are more voxels than the limit', () => {
    const all = floodVolume([10, 10, 10], [5, 5, 5], () => true, 999);

    expect(finished(all)).toBeNull();
  });
});

/** The other two axes, the later one first: rows need not run along i. */
function flatAlong(axis: number): { u: number; v: number; w: number } {
  const [v, u] = [0, 1, 2].filter(other => other !== axis);
  return { u, v, w: axis };
}

describe('region grow', () => {
  it('takes a noisy disc and nothing of its surroundings', () => {
    // 100 inside, 0 outside, both with noise of standard deviation 4.
    const scene = noisyDisc(100);
    const view = scene.view('axial');

    flooding(scene, 'grow').begin(view, view.pixelOf([32, 32, 2]));

    const area = scene.painted().length;
    const outside = scene
      .painted()
      .filter(
        at => Math.hypot((at % 64) - 32, (Math.floor(at / 64) % 64) - 32) > 20
      );
    expect(outside).toEqual([]);
    // 2.5 standard deviations hold 98.8 % of normal noise.
    expect(area / (Math.PI * 20 ** 2)).toBeGreaterThan(0.95);
    expect(area / (Math.PI * 20 ** 2)).toBeLessThan(1.01);
  });

  it('shows on the slice exactly what a press then paints', () => {
    const scene = noisyDisc(60);
    const view = scene.view('axial');
    const tool = flooding(scene, 'grow');

    tool.hover(view, view.pixelOf([30, 36, 2]));
    const shown = scene.proposal;
    tool.begin(view, view.pixelOf([30, 36, 2]));

    const [width, height] = [64, 64];
    const { box, labels } = shown as NonNullable<typeof shown>;
    const promised: number[] = [];
    labels.forEach((label, at) => {
      if (label === 1) {
        const i = box[0] + (at % (box[1] - box[0]));
        const j = box[2] + Math.floor(at / (box[1] - box[0]));
        promised.push(i + width * (j + height * box[4]));
      }
    });
    expect(promised.length).toBeGreaterThan(100);
    expect(scene.painted()).toEqual(promised);
    expect(scene.proposal).toBeNull();
  });

  it('takes more with each step, and less again', () => {
    const scene = noisyDisc(25);
    const view = scene.view('axial');
    const tool = flooding(scene, 'grow');
    const shown = () =>
      scene.proposal?.labels.filter(label => label === 1).length ?? 0;

    tool.hover(view, view.pixelOf([32, 32, 2]));
    const first = shown();
    tool.adjust(-6);
    const fewer = shown();
    tool.adjust(12);
    const more = shown();

    expect(fewer).toBeLessThan(first);
    expect(more).toBeGreaterThan(first);
    expect(scene.settings.values.growExpand).toBe(6);
  });

  it('through all slices shows first and paints once it is accepted', () => {
    const scene = noisyDisc(100);
    scene.settings.set({ isThrough: true });
    const view = scene.view('axial');
    const tool = flooding(scene, 'grow');

    tool.begin(view, view.pixelOf([32, 32, 2]));
    expect(scene.painted()).toEqual([]);
    expect(tool.isBusy).toBe(true);
    expect(scene.proposal?.box[5]).toBe(5);
    tool.finish();

    expect(scene.painted().length).toBeGreaterThan(5 * 0.95 * Math.PI * 400);
    expect(scene.edits.length).toBe(1);
    expect(tool.isBusy).toBe(false);
  });

  it('leaves what an effect shows on the screen', () => {
    const scene = noisyDisc(100);
    const other = { tool: 'margin', box: [0, 1, 0, 1, 0, 1], labels: [1] };
    scene.scene.proposal = other as never;
    const view = scene.view('axial');

    flooding(scene, 'grow').hover(view, view.pixelOf([32, 32, 2]));

    expect(scene.proposal).toBe(other);
  });

  it('draws nothing into a locked segment, and says why', () => {
    const scene = noisyDisc(100, { locked: true });
    const view = scene.view('axial');

    flooding(scene, 'grow').begin(view, view.pixelOf([32, 32, 2]));

    expect(scene.painted()).toEqual([]);
    expect(scene.told[0]).toBe('This segment is locked: unlock it to draw.');
  });
});

describe('a region that is too large for the page', () => {
  const limit = 500;

  it('is asked of the server, shown, and painted once it is accepted', async () => {
    const scene = noisyDisc(100);
    scene.settings.set({ isThrough: true, growExpand: 2 });
    const asked: unknown[] = [];
    const answer = {
      ...{ tool: 'grow', box: [30, 32, 30, 31, 2, 3] as never },
      labels: Uint16Array.of(1, 1)
    };
    const ask = (tool: string, params: unknown) => {
      asked.push(tool, params);
      return Promise.resolve(answer);
    };
    const tool = new FloodTool(scene as never, 'grow', ask, limit);
    const view = scene.view('axial');

    tool.begin(view, view.pixelOf([32, 32, 2]));
    expect(tool.isFollowing).toBe(true);
    await Promise.resolve();
    await Promise.resolve();

    expect(asked).toEqual([
      'grow',
      {
        ...{ segment: 1, seed: [32, 32, 2], tolerance: null, axis: null },
        ...{ expand: 2, max_mm: null }
      }
    ]);
    expect(scene.proposal).toBe(answer);
    expect(scene.painted()).toEqual([]);
    tool.finish();
    expect(scene.painted()).toEqual([30, 31].map(i => i + 64 * (30 + 64 * 2)));
  });

  it('tells what the server says when it cannot', async () => {
    const scene = noisyDisc(100);
    scene.settings.set({ isThrough: true });
    const ask = () => Promise.reject(new Error('The server is busy.'));
    const tool = new FloodTool(scene as never, 'fill', ask, limit);
    const view = scene.view('axial');

    tool.begin(view, view.pixelOf([32, 32, 2]));
    await new Promise(done => setTimeout(done));

    expect(scene.told[0]).toBe('The server is busy.');
    expect(scene.proposal).toBeNull();
    expect(tool.isFollowing).toBe(false);
  });

  it('is forgotten with Escape, whatever the server then answers', async () => {
    const scene = noisyDisc(100);
    scene.settings.set({ isThrough: true });
    let isAborted = false;
    const ask = async (
      _tool: string,
      _params: unknown,
      signal: AbortSignal
    ) => {
      await new Promise(done => setTimeout(done));
      isAborted = signal.aborted;
      return {
        tool: 'grow',
        box: [0, 1, 0, 1, 0, 1] as never,
        labels: Uint16Array.of(1)
      };
    };
    const tool = new FloodTool(scene as never, 'grow', ask, limit);
    const view = scene.view('axial');

    tool.begin(view, view.pixelOf([32, 32, 2]));
    tool.cancel();
    await new Promise(done => setTimeout(done, 5));

    expect(isAborted).toBe(true);
    expect(scene.proposal).toBeNull();
  });
});

describe('band', () => {
  it('is 2.5 standard deviations of the noise around the pixel', () => {
    const random = randomFrom(3);
    const size: Triple = [40, 40, 1];
    const noise = Int16Array.from({ length: 1600 }, () =>
      Math.round(500 + 30 * normal(random))
    );
    const halves: number[] = [];
    for (let at = 8; at < 32; at += 2) {
      const seed: Triple = [at, at, 0];
      const grid = { u: 0, v: 1, sizeU: 0.5, sizeV: 0.5 };
      const { low, high } = bandAround(noise, size, grid, seed);
      halves.push((high - low) / 2);
    }

    const mean = halves.reduce((sum, x) => sum + x, 0) / halves.length;
    expect(Math.abs(mean / (2.5 * 30) - 1)).toBeLessThan(0.15);
  });

  it('is not widened by an edge that crosses a part of the neighbourhood', () => {
    const size: Triple = [40, 40, 1];
    const step = Int16Array.from({ length: 1600 }, (_, at) =>
      at % 40 < 22 ? 10 + (at % 3) : 900
    );

    const grid = { u: 0, v: 1, sizeU: 0.5, sizeV: 0.5 };
    const { high } = bandAround(step, size, grid, [19, 20, 0]);

    expect(high).toBeLessThan(100);
  });
});

/** A disc of radius 20 through five slices, on other ground, with noise on both. */
function noisyDisc(contrast: number, segment = {}): ToolScene {
  const random = randomFrom(11);
  const size: Triple = [64, 64, 5];
  const noisy = Int16Array.from({ length: 64 * 64 * 5 }, (_, at) => {
    const [i, j] = [at % 64, Math.floor(at / 64) % 64];
    const isIn = Math.hypot(i - 32, j - 32) <= 20;
    return Math.round((isIn ? contrast : 0) + 4 * normal(random));
  });
  return new ToolScene(size, {
    voxels: noisy,
    segments: [{ id: 1, ...segment }]
  });
}

function normal(random: () => number): number {
  return (
    Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  );
}

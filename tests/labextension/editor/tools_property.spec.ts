import { describe, expect, it } from 'vitest';

import {
  applyEdit,
  boxes,
  inverted
} from '../../../labextension/src/editor/labels/delta';
import type { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import { OVERWRITES } from '../../../labextension/src/editor/settings';
import { BrushTool } from '../../../labextension/src/editor/tools/brush_tool';
import { FloodTool } from '../../../labextension/src/editor/tools/flood_tool';
import { LivewireTool } from '../../../labextension/src/editor/tools/livewire_tool';
import {
  BoxTool,
  LassoTool
} from '../../../labextension/src/editor/tools/outline_tools';
import { PolygonTool } from '../../../labextension/src/editor/tools/polygon_tool';
import {
  type DrawTool,
  isDrawTool,
  TOOLS
} from '../../../labextension/src/editor/tools/registry';
import type { ITool, Point } from '../../../labextension/src/editor/tools/tool';
import type { Triple } from '../../../labextension/src/server/types';
import { randomFrom, type StillView, ToolScene } from './tools_scene';

/*
 * Random gestures with every drawing tool on random scenes: locked voxels never change,
 * hidden ones only when everything may be overwritten, what changed is exactly the edit,
 * and the edit taken back is the start.
 */

const SHAPES: readonly Triple[] = [
  [7, 8, 9],
  [16, 5, 11],
  [9, 20, 4],
  [1, 12, 13]
];

/** Voxel axes along R, A, S in other orders and directions; one oblique. */
const AFFINES = [
  [
    [0.7, 0, 0, 0],
    [0, 1.1, 0, 0],
    [0, 0, 3, 0]
  ],
  [
    [0, 0, -2, 0],
    [-0.8, 0, 0, 0],
    [0, -0.9, 0, 0]
  ],
  [
    [0.9, -0.3, 0.2, 4],
    [0.3, 1.2, 0, -2],
    [-0.1, 0.2, 2.4, 7]
  ]
].map(rows => [...rows, [0, 0, 0, 1]]);

const DRAW_TOOLS = TOOLS.map(({ tool }) => tool).filter(isDrawTool);

type Random = () => number;

function toolOf(name: DrawTool, scene: ToolScene): ITool {
  switch (name) {
    case 'brush':
    case 'eraser':
    case 'threshold':
      return new BrushTool(scene, name);
    case 'polygon':
      return new PolygonTool(scene);
    case 'lasso':
      return new LassoTool(scene);
    case 'rectangle':
    case 'ellipse':
      return new BoxTool(scene, name);
    case 'livewire':
      return new LivewireTool(scene);
    default:
      return new FloodTool(scene as never, name, () => Promise.resolve(null));
  }
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)];
}

function randomScene(random: Random): ToolScene {
  const shape = pick(random, SHAPES);
  const affine = pick(random, AFFINES);
  const spacing = [0, 1, 2].map(axis =>
    Math.hypot(...[0, 1, 2].map(row => affine[row][axis]))
  ) as Triple;
  const size = shape[0] * shape[1] * shape[2];
  const voxels = Int16Array.from(
    { length: size },
    () => 100 * Math.floor(random() * 4) + 20 * random()
  );
  const segments = [1, 2, 3, 4].map(id => ({
    id,
    locked: random() < 0.35,
    visible: random() < 0.65
  }));
  const scene = new ToolScene(shape, { affine, spacing, segments, voxels });
  // Label 5 belongs to no segment of the list.
  let label = 0;
  for (let at = 0; at < size; at++) {
    label = random() < 0.4 ? Math.floor(random() * 6) : label;
    scene.labels.data[at] = label;
  }
  scene.scene.moveCrosshair(
    shape.map(size => Math.floor(random() * size)) as Triple
  );
  scene.settings.set({
    segment: 1 + Math.floor(random() * 4),
    overwrites: pick(random, OVERWRITES),
    radius_mm: 0.3 + 5 * random(),
    isBall: random() < 0.5,
    isThrough: random() < 0.5,
    isRangeMasked: random() < 0.4,
    low: 300 * random() - 50,
    high: 300 * random() + 100,
    tolerance: random() < 0.5 ? null : 200 * random(),
    growTolerance: random() < 0.5 ? null : 200 * random(),
    growExpand: Math.floor(random() * 9) - 4
  });
  return scene;
}

/** Presses, moves, releases, hovers, clicks and keys, here and there and outside. */
function gesture(random: Random, tool: ITool, view: StillView): void {
  const { width, height } = view.slice;
  const place = (): Point => [
    (width + 4) * random() - 2.5,
    (height + 4) * random() - 2.5
  ];
  const presses = 1 + Math.floor(random() * 6);
  for (let press = 0; press < presses; press++) {
    const keys = { altKey: random() < 0.3, ctrlKey: false };
    tool.hover?.(view, place());
    const drag = tool.begin(view, place(), keys);
    const moves = Math.floor(random() * 5);
    for (let move = 0; drag && move < moves; move++) {
      drag.move(...place(), keys);
    }
    if (random() < 0.1) {
      drag?.cancel();
    } else {
      drag?.end();
    }
    if (random() < 0.2) {
      tool.back?.();
    }
    if (random() < 0.2) {
      tool.adjust?.(random() < 0.5 ? 1 : -1);
    }
  }
  if (random() < 0.8) {
    tool.finish?.();
  }
  tool.cancel?.();
}

/** Labels that must not change, by the words of the issue. */
function isSpared(map: LabelMap, label: number, everything: boolean): boolean {
  const segment = map.segments.find(({ id }) => id === label);
  return !!segment && (segment.locked || (!everything && !segment.visible));
}

const { MEDLAB_ROUNDS, MEDLAB_LONG } = environment();
const ROUNDS = Number(MEDLAB_ROUNDS ?? (MEDLAB_LONG ? 4000 : 100));

/** Node's, whose types are not among the project's. */
function environment(): Record<string, string | undefined> {
  const { process } = globalThis as unknown as {
    process: { env: Record<string, string | undefined> };
  };
  return process.env;
}

describe.each(DRAW_TOOLS)('%s', name => {
  it('leaves locked and hidden voxels alone, and its edits are what it changed', () => {
    let changes = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const random = randomFrom(round * 7919 + name.length);
      const scene = randomScene(random);
      const { labels, settings } = scene;
      settings.set({ tool: name });
      const before = labels.data.slice();
      const view = pick(random, scene.planes.views);

      gesture(random, toolOf(name, scene), view);

      const after = labels.data.slice();
      const { overwrites, segment } = settings.values;
      const everything = overwrites === 'everything';
      const erases = name === 'eraser';
      const wrong: string[] = [];
      const must = (isSo: boolean, what: string) => {
        if (!isSo) {
          wrong.push(`round ${round}: ${what}`);
        }
      };
      for (let at = 0; at < before.length; at++) {
        const [old, now] = [before[at], after[at]];
        if (old === now) {
          continue;
        }
        changes++;
        must(!isSpared(labels, old, everything), `${old} was overwritten`);
        must(!isSpared(labels, now, everything), `${now} was drawn`);
        must(now === (erases ? 0 : segment), `${now} is another label`);
        if (overwrites === 'background') {
          must(old === (erases ? segment : 0), `${old} is no background`);
        }
        if (settings.hasRange) {
          const value = scene.scene.volume.data[at];
          const { low, high } = settings.values;
          must(value >= low && value <= high, `${value} is out of range`);
        }
      }
      expect(wrong).toEqual([]);
      expect(scene.held).toBe(0);
      checkEdits(scene, before, after);
    }
    // Without changes nothing above would have been looked at.
    expect(changes).toBeGreaterThan(ROUNDS / 8);
  }, 600_000);
});

/** The edits, taken back one after another, give the start; done again, the end. */
function checkEdits(
  { labels, edits }: ToolScene,
  before: ArrayLike<number>,
  after: ArrayLike<number>
): void {
  for (const edit of edits) {
    const [a, b] = [boxes(edit).before, boxes(edit).after];
    expect(a.some((label, at) => label !== b[at])).toBe(true);
  }
  for (const edit of [...edits].reverse()) {
    applyEdit(labels, inverted(edit));
  }
  expect(labels.data).toEqual(before);
  for (const edit of edits) {
    applyEdit(labels, edit);
  }
  expect(labels.data).toEqual(after);
}

import { describe, expect, it } from 'vitest';

import { HoldTool } from '../../../../labextension/src/editor/marks/hold';
import { newMark } from '../../../../labextension/src/editor/marks/mark';
import { PathTool } from '../../../../labextension/src/editor/marks/path_tool';
import { PointTool } from '../../../../labextension/src/editor/marks/point_tool';
import { ShapeTool } from '../../../../labextension/src/editor/marks/shape_tool';
import { valueOf } from '../../../../labextension/src/editor/marks/words';
import { CrosshairTool } from '../../../../labextension/src/editor/tools/crosshair_tool';
import type { IMark, Triple } from '../../../../labextension/src/server/types';
import { randomFrom } from '../tools_scene';
import { drag, MarkPlace } from './mark_place';

const SHAPE: Triple = [40, 30, 20];
const SPACING: Triple = [0.5, 2, 3];

const KEYS = { altKey: false, ctrlKey: false };

async function place(segments?: Partial<{ id: number; name: string }>[]) {
  return MarkPlace.make(SHAPE, { spacing: SPACING, segments });
}

/** The journal's state, comparable. */
function stateOf(where: MarkPlace): string {
  const marks = where.marks.sort((a, b) => (a.id < b.id ? -1 : 1));
  return JSON.stringify(marks);
}

describe('a length', () => {
  it('drawn with the button held lies where the pointer was', async () => {
    const where = await place();
    const view = where.view('axial');

    drag(new PathTool(where.board, 'line'), view, [4, 5, 10], [10, 9, 10]);

    expect(where.only.points).toEqual([
      [4, 5, 10],
      [10, 9, 10]
    ]);
    expect(where.only).toMatchObject({ kind: 'line', plane: 'axial' });
    expect(where.only.segment).toBeNull();
    // 6 x 0.5 mm and 4 x 2 mm: the square root of 73.
    expect(valueOf(where.only, where.context)).toBe('8.5 mm');
  });

  it('set by two presses may go from slice to slice and plane to plane', async () => {
    const where = await place();
    const tool = new PathTool(where.board, 'line');

    drag(tool, where.view('axial'), [4, 15, 10]);
    expect(tool.isBusy).toBe(true);
    where.scene.moveCrosshair([24, 15, 14]);
    drag(tool, where.view('coronal'), [10, 15, 14]);

    expect(tool.isBusy).toBe(false);
    expect(where.only.points).toEqual([
      [4, 15, 10],
      [10, 15, 14]
    ]);
    // 6 x 0.5 mm and 4 x 3 mm.
    expect(valueOf(where.only, where.context)).toBe('12.4 mm');
    expect(where.only.plane).toBe('coronal');
  });

  it('of which only one end was set is no mark', async () => {
    const where = await place();
    const tool = new PathTool(where.board, 'line');

    drag(tool, where.view('axial'), [4, 5, 10]);
    tool.finish();
    expect(where.marks).toEqual([]);
    tool.cancel();

    expect(where.board.marks).toEqual([]);
    expect(tool.isBusy).toBe(false);
  });
});

describe('an angle', () => {
  it('of three presses has its vertex second', async () => {
    const where = await place();
    const tool = new PathTool(where.board, 'angle');
    const view = where.view('axial');

    for (const ijk of [
      [12, 5, 10],
      [4, 5, 10],
      [4, 9, 10]
    ] as Triple[]) {
      drag(tool, view, ijk);
    }

    expect(where.only.points[1]).toEqual([4, 5, 10]);
    expect(valueOf(where.only, where.context)).toBe('90.0°');
  });

  it('takes its last point back and can be drawn with one side dragged', async () => {
    const where = await place();
    const tool = new PathTool(where.board, 'angle');
    const view = where.view('axial');

    drag(tool, view, [12, 5, 10], [4, 5, 10]);
    tool.back();
    drag(tool, view, [8, 5, 10]);
    drag(tool, view, [12, 6, 10]);

    // Back over the same side: 4 x 0.5 mm and 1 x 2 mm are 45 degrees.
    expect(valueOf(where.only, where.context)).toBe('45.0°');
  });
});

describe('boxes and regions', () => {
  it('a box for detection is of the chosen segment', async () => {
    const where = await place([{ id: 1, name: 'nodule' }]);

    drag(
      new ShapeTool(where.board, 'box-2d'),
      where.view('sagittal'),
      [20, 5, 4],
      [20, 11, 9]
    );

    expect(where.only).toMatchObject({
      ...{ kind: 'rectangle', plane: 'sagittal', segment: 1 },
      points: [
        [20, 5, 4],
        [20, 11, 9]
      ]
    });
    // Front to back 6 x 2 mm, head to foot 5 x 3 mm.
    expect(valueOf(where.only, where.context)).toBe('12.0 × 15.0 mm');
  });

  it('a box in three dimensions begins as deep as it is wide', async () => {
    const where = await place();
    where.scene.moveCrosshair([20, 15, 10]);

    drag(
      new ShapeTool(where.board, 'box-3d'),
      where.view('axial'),
      [4, 5, 10],
      [28, 11, 10]
    );

    // 12 mm each: 24 x 0.5, 6 x 2, and so 4 slices of 3.
    expect(valueOf(where.only, where.context)).toBe('12.0 × 12.0 × 12.0 mm');
    expect(where.only.points.map(([, , k]) => k)).toEqual([8, 12]);
  });

  it('a region says the mean of what is in it, and Alt draws the other kind', async () => {
    const where = await place();
    where.scene.volume.data.fill(40);
    const tool = new ShapeTool(where.board, 'roi');
    const view = where.view('axial');

    const held = tool.begin(view, view.at([4, 5, 10]), {
      ...KEYS,
      altKey: true
    });
    held?.move(...view.at([14, 9, 10]));
    held?.end();

    expect(where.only).toMatchObject({ kind: 'rectangle', segment: null });
    expect(valueOf(where.only, where.context)).toBe('40 ± 0 HU, 40 mm²');
  });

  it('two presses set the corners, one alone is dropped on another slice', async () => {
    const where = await place();
    const tool = new ShapeTool(where.board, 'box-2d');
    const view = where.view('axial');

    drag(tool, view, [4, 5, 10]);
    where.scene.moveCrosshair([20, 15, 11]);
    drag(tool, view, [30, 20, 11]);
    drag(tool, view, [34, 25, 11]);

    expect(where.only.points).toEqual([
      [30, 20, 11],
      [34, 25, 11]
    ]);
  });
});

describe('holding a mark', () => {
  async function withBox() {
    const where = await place();
    const points: Triple[] = [
      [10, 10, 10],
      [20, 16, 10]
    ];
    where.board.add(newMark('rectangle', { plane: 'axial', points }));
    const crosshair = new CrosshairTool(where.scene);
    return { where, tool: new HoldTool(where.board, crosshair) };
  }

  it('by a corner moves that corner', async () => {
    const { where, tool } = await withBox();

    drag(tool, where.view('axial'), [20, 16, 10], [25, 12.5, 10]);

    expect(where.only.points).toEqual([
      [10, 10, 10],
      [25, 12.5, 10]
    ]);
  });

  it('by a side, in another plane, takes it to another slice, whole', async () => {
    const { where, tool } = await withBox();
    where.scene.moveCrosshair([15, 15, 10]);

    drag(tool, where.view('coronal'), [13, 15, 10], [14, 15, 13.4]);

    expect(where.only.points).toEqual([
      [11, 10, 13],
      [21, 16, 13]
    ]);
  });

  it('never leaves the scan', async () => {
    const { where, tool } = await withBox();

    drag(tool, where.view('axial'), [10, 11.5, 10], [500, -500, 10]);

    expect(where.only.points).toEqual([
      [29.5, -0.5, 10],
      [39.5, 5.5, 10]
    ]);
  });

  it('a press that does not move selects it and leaves the crosshair', async () => {
    const { where, tool } = await withBox();
    const before = [...where.scene.crosshair];
    where.board.select(null);

    drag(tool, where.view('axial'), [20, 16, 10]);

    expect(where.board.selected).toBe(where.only.id);
    expect(where.scene.crosshair).toEqual(before);
    drag(tool, where.view('axial'), [3, 3, 10]);
    expect(where.scene.crosshair).toEqual([3, 3, 10]);
  });
});

describe('every step', () => {
  it('writes marks as the journal does: rounded, in order, no negative zero', async () => {
    const where = await place();
    const view = where.view('axial');

    const at: Triple = [1 / 3, -0.0001, 10];
    drag(new PointTool(where.board), view, at);

    const { id, ...rest } = where.only;
    expect(id).toMatch(/^[0-9a-f]{12}$/);
    expect(JSON.stringify(rest)).toBe(
      '{"kind":"point","name":"Point 1","color":null,"segment":1,"plane":null,' +
        '"points":[[0.333,0,10]],"scope":null,"value":null,"note":""}'
    );
  });

  it.each([1, 2, 3, 4, 5])(
    'of a random sequence can be undone to the start and redone to the end (%i)',
    async seed => {
      const random = randomFrom(seed);
      const where = await place();
      const pickOne = <T>(items: readonly T[]): T =>
        items[Math.floor(random() * items.length)];
      const spot = (): Triple => [random() * 39, random() * 29, 10];
      const states = [stateOf(where)];
      const actions = [
        () => drag(new PointTool(where.board), where.view('axial'), spot()),
        () =>
          drag(
            new PathTool(where.board, 'line'),
            where.view('axial'),
            spot(),
            spot()
          ),
        () =>
          drag(
            new ShapeTool(where.board, 'box-3d'),
            where.view('axial'),
            spot(),
            spot()
          ),
        () => where.board.remove(pickOne(where.marks)?.id ?? ''),
        () =>
          where.board.change(pickOne(where.marks)?.id ?? '', {
            name: `n${Math.floor(random() * 1e6)}`,
            color: '#123456'
          }),
        () => {
          const mark = pickOne<IMark | undefined>(where.marks);
          if (mark) {
            where.board.change(mark.id, { note: String(random()) });
          }
        }
      ];
      while (states.length < 61) {
        pickOne(actions)();
        const now = stateOf(where);
        if (now !== states[states.length - 1]) {
          states.push(now);
        }
      }

      for (const state of [...states].reverse()) {
        expect(stateOf(where)).toBe(state);
        where.session.undo();
      }
      expect(stateOf(where)).toBe('[]');
      for (let n = 1; n < states.length; n++) {
        where.session.redo();
        expect(stateOf(where)).toBe(states[n]);
      }
    }
  );
});

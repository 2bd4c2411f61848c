import { describe, expect, it } from 'vitest';

import {
  BrushTool,
  sectionOf
} from '../../../labextension/src/editor/tools/brush_tool';
import {
  BoxTool,
  LassoTool
} from '../../../labextension/src/editor/tools/outline_tools';
import { PolygonTool } from '../../../labextension/src/editor/tools/polygon_tool';
import type { Point } from '../../../labextension/src/editor/tools/tool';
import type { Triple } from '../../../labextension/src/server/types';
import { ToolScene } from './tools_scene';

const KEYS = { altKey: false, ctrlKey: false };
const ALT = { altKey: true, ctrlKey: false };

/** Posterior, inferior, right first: no axis of the voxels is one of the screen's. */
const PIR = [
  [0, 0, 0.8, 0],
  [-0.6, 0, 0, 0],
  [0, -2, 0, 0],
  [0, 0, 0, 1]
];

function pirScene(): ToolScene {
  return new ToolScene([120, 60, 140], { affine: PIR, spacing: [0.6, 2, 0.8] });
}

/** Area of what was painted, in mm2, and its middle in voxel indices. */
function measured(scene: ToolScene, normal: number) {
  const [I, J] = scene.shape;
  const places = scene
    .painted()
    .map((at): Triple => [
      at % I,
      Math.floor(at / I) % J,
      Math.floor(at / I / J)
    ]);
  const { spacing_mm } = scene.scene.volume.info;
  const pixel = [0, 1, 2]
    .filter(axis => axis !== normal)
    .reduce((area, axis) => area * spacing_mm[axis], 1);
  const slices = new Set(places.map(place => place[normal]));
  const middle = [0, 1, 2].map(
    axis => places.reduce((sum, ijk) => sum + ijk[axis], 0) / places.length
  );
  return { area_mm2: places.length * pixel, middle, slices };
}

describe.each(['axial', 'sagittal', 'coronal'] as const)(
  'on a PIR scan, in the %s plane,',
  plane => {
    const setUp = () => {
      const scene = pirScene();
      const view = scene.view(plane);
      const { width, height, sizeU, sizeV } = view.slice;
      const [x, y]: Point = [width / 2, height / 2];
      const corner = (mmX: number, mmY: number): Point => [
        x + mmX / sizeU,
        y + mmY / sizeV
      ];
      return { scene, view, corner, middle: [x, y] as Point };
    };

    it('an ellipse has its area and its place', () => {
      const { scene, view, corner, middle } = setUp();
      const drag = new BoxTool(scene, 'ellipse').begin(
        view,
        corner(-24, -18),
        KEYS
      );
      drag.move(...corner(24, 18));
      drag.end();

      const found = measured(scene, view.slice.w);
      expect(found.area_mm2 / (Math.PI * 24 * 18)).toBeCloseTo(1, 1);
      expect([...found.slices]).toEqual([view.index]);
      const place = view.pixelOf(found.middle as Triple);
      expect(
        Math.hypot(place[0] - middle[0], place[1] - middle[1])
      ).toBeLessThan(0.6);
    });

    it('Alt makes a circle in millimetres of it', () => {
      const { scene, view, corner } = setUp();
      const drag = new BoxTool(scene, 'ellipse').begin(
        view,
        corner(-20, -20),
        KEYS
      );
      drag.move(...corner(20, 5), ALT);
      drag.end();

      const found = measured(scene, view.slice.w);
      expect(found.area_mm2 / (Math.PI * 20 ** 2)).toBeCloseTo(1, 1);
    });

    it('a rectangle has its area, and Alt makes a square of it', () => {
      const areas = [KEYS, ALT].map(keys => {
        const { scene, view, corner } = setUp();
        const drag = new BoxTool(scene, 'rectangle').begin(
          view,
          corner(20.1, 16.1),
          keys
        );
        drag.move(...corner(-20.1, -9.7), keys);
        drag.end();
        return measured(scene, view.slice.w).area_mm2;
      });

      // A row of pixels, 2 mm high, more or less.
      expect(Math.abs(areas[0] - 40.2 * 25.8)).toBeLessThan(2 * 40.2);
      expect(Math.abs(areas[1] - 40.2 ** 2)).toBeLessThan(2 * 40.2 * 2);
    });

    it('a polygon has the area that the shoelace formula gives', () => {
      const { scene, view, corner } = setUp();
      const corners: [number, number][] = [
        [-22, -14],
        [10, -20],
        [24, 3],
        [2, 2],
        [-6, 19]
      ];
      const tool = new PolygonTool(scene);
      corners.forEach(([x, y]) => tool.begin(view, corner(x, y)));
      tool.finish();

      const shoelace = corners.reduce((sum, [x0, y0], at) => {
        const [x1, y1] = corners[(at + 1) % corners.length];
        return sum + (x0 * y1 - x1 * y0) / 2;
      }, 0);
      const { area_mm2 } = measured(scene, view.slice.w);
      expect(area_mm2 / Math.abs(shoelace)).toBeCloseTo(1, 1);
    });

    it('a lasso around a circle has its area', () => {
      const { scene, view, corner } = setUp();
      const drag = new LassoTool(scene).begin(view, corner(22, 0));
      for (let turn = 0.05; turn < 2 * Math.PI; turn += 0.05) {
        drag.move(...corner(22 * Math.cos(turn), 22 * Math.sin(turn)));
      }
      drag.end();

      const { area_mm2 } = measured(scene, view.slice.w);
      expect(area_mm2 / (Math.PI * 22 ** 2)).toBeCloseTo(1, 1);
    });

    it('the brush shows the sections that a ball has with the three planes', () => {
      const { scene, view, corner } = setUp();
      scene.settings.set({ radius_mm: 15, isBall: true });
      new BrushTool(scene, 'brush').hover(view, corner(9, 4));

      for (const other of scene.planes.views) {
        const centre = view.ijkAt(...corner(9, 4));
        const size = scene.scene.volume.info.spacing_mm[other.slice.w];
        const away = (other.index - centre[other.slice.w]) * size;
        expect(other.cursor?.shape).toBe('round');
        expect(other.cursor?.half_mm[0]).toBeCloseTo(
          Math.sqrt(15 ** 2 - away ** 2)
        );
        expect(other.cursor?.at).toEqual(other.pixelOf(centre));
      }
    });

    it('a disc is seen from its side in the other planes, as thick as a slice', () => {
      const { scene, view, middle } = setUp();
      scene.settings.set({ radius_mm: 15 });
      new BrushTool(scene, 'eraser').hover(view, middle);

      const thick = scene.scene.volume.info.spacing_mm[view.slice.w];
      for (const other of scene.planes.views) {
        const isOwn = other === view;
        expect(other.cursor?.shape).toBe(isOwn ? 'round' : 'bar');
        expect(other.cursor?.erases).toBe(true);
        const thin = Math.min(...(other.cursor?.half_mm ?? []));
        expect(thin).toBeCloseTo(isOwn ? 15 : thick / 2);
      }
      new BrushTool(scene, 'eraser').hover(view, null);
      expect(scene.planes.views.map(other => other.cursor)).toEqual([
        null,
        null,
        null
      ]);
    });
  }
);

describe('polygon', () => {
  it('is closed by a click on its first corner', () => {
    const scene = new ToolScene([40, 40, 3]);
    const view = scene.view('axial');
    const tool = new PolygonTool(scene);
    for (const at of [
      [10, 10],
      [30, 10],
      [30, 30],
      [10.5, 10.5]
    ] as Point[]) {
      tool.hover(view, at);
      tool.begin(view, at);
    }

    expect(tool.isBusy).toBe(false);
    expect(view.outline).toBeNull();
    expect(scene.painted().length).toBeGreaterThan(150);
  });

  it('Backspace takes the last corner back, and Escape all', () => {
    const scene = new ToolScene([40, 40, 3]);
    const view = scene.view('axial');
    const tool = new PolygonTool(scene);
    tool.begin(view, [10, 10]);
    tool.begin(view, [30, 10]);
    tool.begin(view, [35, 35]);

    tool.back();
    expect(view.outline?.knots).toEqual([
      [10, 10],
      [30, 10]
    ]);
    tool.cancel();
    tool.finish();

    expect(view.outline).toBeNull();
    expect(scene.painted()).toEqual([]);
  });

  it('is painted on the slice it was begun on', () => {
    const scene = new ToolScene([40, 40, 3]);
    const view = scene.view('axial');
    const tool = new PolygonTool(scene);
    tool.begin(view, [10, 10]);
    tool.begin(view, [30, 10]);
    tool.begin(view, [30, 30]);
    scene.scene.goTo(2, 2);
    tool.finish();

    expect([
      ...new Set(scene.painted().map(at => Math.floor(at / 1600)))
    ]).toEqual([1]);
  });
});

describe('section', () => {
  it('is none where the slice misses the ball', () => {
    const scene = new ToolScene([20, 20, 20], { spacing: [1, 1, 3] });
    const view = scene.view('axial');

    const near = sectionOf(view, [10, 10, view.index + 1], 5, [1, 1, 3], null);
    const far = sectionOf(view, [10, 10, view.index + 2], 5, [1, 1, 3], null);

    expect(near?.half_mm).toEqual([4, 4]);
    expect(far).toBeNull();
  });
});

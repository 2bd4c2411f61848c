import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { boxes } from '../../labextension/src/editor/labels/delta';
import { BrushTool } from '../../labextension/src/editor/tools/brush_tool';
import { FloodTool } from '../../labextension/src/editor/tools/flood_tool';
import type { Box } from '../../labextension/src/server/voxels';
import type { Triple } from '../../labextension/src/server/types';
import { ToolScene } from '../labextension/editor/tools_scene';

/*
 * The hand of the scripted user of `effort.py`: reads one order a line, does it with the
 * editor's own tools, and answers one line with the voxels that it changed.
 */

interface IOpen {
  do: 'open';
  shape: Triple;
  spacing: Triple;
  /** File of 16-bit integers, i fastest. */
  voxels: string;
}

interface IStroke {
  do: 'stroke';
  tool: 'brush' | 'eraser';
  radius_mm: number;
  isBall: boolean;
  /** Intensities that are painted; null for all. */
  range: [number, number] | null;
  slice: number;
  /** Voxel indices i, j, not rounded. */
  points: [number, number][];
}

interface IGrow {
  do: 'grow';
  seed: Triple;
  expand: number;
  /** Paint what the preview shows; else just tell. */
  accepts: boolean;
}

interface IPut {
  do: 'put';
  box: Box;
  /** Over the box, i fastest, base64. */
  labels: string;
}

type Order = IOpen | IStroke | IGrow | IPut;

/** What became different: labels over a box, i fastest, base64. */
interface IAnswer {
  box: Box | null;
  labels: string;
}

const NOTHING: IAnswer = { box: null, labels: '' };

class Hand {
  async obey(order: Order): Promise<IAnswer> {
    switch (order.do) {
      case 'open':
        return this._open(order);
      case 'stroke':
        return this._stroke(order);
      case 'grow':
        return this._grow(order);
      default:
        return this._put(order);
    }
  }

  private _open({ shape, spacing, voxels }: IOpen): IAnswer {
    const bytes = Uint8Array.from(readFileSync(voxels));
    this._scene = new ToolScene(shape, {
      spacing,
      voxels: new Int16Array(bytes.buffer)
    });
    return NOTHING;
  }

  private _stroke(order: IStroke): IAnswer {
    const scene = this._lookAt(order.slice);
    const { radius_mm, isBall, range, tool } = order;
    const [low, high] = range ?? [0, 0];
    scene.settings.set({ tool, radius_mm, isBall, low, high });
    scene.settings.set({ isRangeMasked: range !== null });
    const view = scene.view('axial');
    const [first, ...others] = order.points.map(([i, j]) =>
      view.pixelOf([i, j, order.slice])
    );
    const drag = new BrushTool(scene, tool).begin(view, first);
    others.forEach(at => drag?.move(...at));
    drag?.end();
    return changed(scene);
  }

  private async _grow({ seed, expand, accepts }: IGrow): Promise<IAnswer> {
    const scene = this._lookAt(seed[2]);
    scene.settings.set({ tool: 'grow', growExpand: expand, isThrough: true });
    scene.settings.set({ isRangeMasked: false });
    const view = scene.view('axial');
    const alone = () => Promise.reject(new Error('There is no server here.'));
    const tool = new FloodTool(scene as never, 'grow', alone);
    tool.begin(view, view.pixelOf(seed));
    while (tool.isFollowing) {
      await new Promise(done => setTimeout(done));
    }
    const { proposal } = scene;
    if (!proposal || !accepts) {
      tool.cancel();
      const shown = proposal?.labels.map(label => (label === 1 ? 1 : 0));
      return proposal && shown
        ? { box: proposal.box, labels: base64(shown) }
        : NOTHING;
    }
    tool.finish();
    return changed(scene);
  }

  private _put({ box, labels }: IPut): IAnswer {
    const { data, strides } = this._lookAt(0).labels;
    const bytes = atob(labels);
    let at = 0;
    for (let k = box[4]; k < box[5]; k++) {
      for (let j = box[2]; j < box[3]; j++) {
        for (let i = box[0]; i < box[1]; i++, at++) {
          data[i + j * strides[1] + k * strides[2]] = bytes.charCodeAt(at);
        }
      }
    }
    return NOTHING;
  }

  private _lookAt(slice: number): ToolScene {
    if (!this._scene) {
      throw new Error('Expected an order to open a scan first.');
    }
    this._scene.edits.length = 0;
    this._scene.scene.goTo(2, slice);
    return this._scene;
  }

  private _scene: ToolScene | null = null;
}

/** What the last gesture did: the labels after it, over the box of its edit. */
function changed({ edits }: ToolScene): IAnswer {
  const [edit] = edits;
  return edit?.box
    ? { box: edit.box, labels: base64(boxes(edit).after) }
    : NOTHING;
}

function base64(labels: ArrayLike<number>): string {
  let text = '';
  for (let at = 0; at < labels.length; at++) {
    text += String.fromCharCode(labels[at]);
  }
  return btoa(text);
}

declare const process: {
  stdin: unknown;
  stdout: { write(text: string): void };
};

const hand = new Hand();
for await (const line of createInterface({ input: process.stdin })) {
  const answer = await hand.obey(JSON.parse(line) as Order);
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

import { SliceEditor } from '../../labextension/src/editor';
import type { Plane } from '../../labextension/src/editor';
import type { IVolumeInfo, Triple } from '../../labextension/src/server/types';
import { infoOf, MemoryServer } from '../labextension/editor/memory_server';

/*
 * A page with an editor on a made-up chest and a server in memory, for benchmarks and for
 * looking at the editor without a Jupyter server.
 */

function phantom(shape: Triple): Int16Array {
  const [I, J, K] = shape;
  const voxels = new Int16Array(I * J * K);
  const wave = Int16Array.from(
    { length: 4096 },
    (_, at) => 24 * Math.sin(at * 12.9898)
  );
  let at = 0;
  for (let k = 0; k < K; k++) {
    const z = (2 * k) / K - 1;
    for (let j = 0; j < J; j++) {
      const y = (2 * j) / J - 1;
      for (let i = 0; i < I; i++, at++) {
        const x = (2 * i) / I - 1;
        const side = Math.abs(x) - 0.38;
        const lung = (side / 0.26) ** 2 + (y / 0.45) ** 2 + (z / 0.8) ** 2 < 1;
        const body = (x / 0.85) ** 2 + (y / 0.65) ** 2 < 1;
        const spine = (x / 0.1) ** 2 + ((y + 0.42) / 0.12) ** 2 < 1;
        const value = lung ? -820 : spine ? 480 : body ? 45 : -1000;
        voxels[at] = value + wave[(at * 7 + k * 13) & 4095];
      }
    }
  }
  return voxels;
}

interface IPageOptions {
  shape: Triple;
  planes: Plane[];
  spacing: Triple;
}

async function start(options: IPageOptions): Promise<void> {
  const info: IVolumeInfo = infoOf(options.shape, {
    spacing_mm: options.spacing
  });
  const server = new MemoryServer(info, phantom(options.shape));
  const host = document.getElementById('host') as HTMLElement;
  const editor = new SliceEditor(host, {
    ...{ server, scanId: info.id, layer: 'labels', planes: options.planes },
    tools: true,
    segments: [
      {
        id: 1,
        name: 'left lung',
        color: '#e6550d',
        locked: false,
        visible: true
      },
      {
        id: 2,
        name: 'right lung',
        color: '#3fa7ff',
        locked: false,
        visible: true
      },
      { id: 3, name: 'spine', color: '#5fd35f', locked: true, visible: true }
    ]
  });
  Object.assign(window, { editor, server });
  await editor.ready;
}

Object.assign(window, { start });

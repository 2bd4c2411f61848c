import { decodeFrame } from '../server/frames';
import { decodeSnapshot, slabVoxels } from '../server/messages';
import { serverFromPage } from '../server/page';
import type { IVolumeInfo, Triple } from '../server/types';
import { fetchVolumeInfo } from '../server/volumes';
import type { Voxels } from '../server/voxels';
import { type IViewState, ViewPanel } from '../view3d/panel';
import type { IOverlay, IView3DModule } from '../view3d/types';
import { fetchVoxels } from '../view3d/volume_source';
import { showItkwidgets } from './itkwidgets_view';
import { type IMessages, KernelFrames } from './pieces';

/** The kernel's half, `medlab/widgets/_volume_viewer.py`. */
export interface IViewerTraits extends IViewState {
  backend: 'niivue' | 'itkwidgets';
  info: IViewInfo;
  /** Revision of each label map, by name. */
  maps: Partial<Record<'labels' | 'prediction', number>>;
  height: number;
  drawn: boolean;
  problem: string;
}

interface IViewInfo {
  /** Empty for a volume that lies in no file. */
  scan: string;
  shape: Triple;
  affine: number[][];
  channels: 1 | 3;
  dtype: string;
  range: [number, number];
  window: [number, number];
}

export interface IViewerModel extends IMessages {
  get<K extends keyof IViewerTraits>(name: K): IViewerTraits[K];
  set<K extends keyof IViewerTraits>(name: K, value: IViewerTraits[K]): void;
  save_changes(): void;
  on(event: string, heard: (...args: never[]) => void): void;
  off(event: string, heard: (...args: never[]) => void): void;
}

const MIRRORED = [
  'show',
  'opacity',
  'label_opacity',
  'window',
  'clip'
] as const;

function render({
  model,
  el
}: {
  model: IViewerModel;
  el: HTMLElement;
}): () => void {
  // An element of its own: the host page clears the style of the one it hands out.
  const place = document.createElement('div');
  place.className = 'medlab-VolumeViewer';
  el.append(place);
  const resize = () => {
    place.style.height = `${model.get('height')}px`;
  };
  resize();
  model.on('change:height', resize);
  const stop =
    model.get('backend') === 'itkwidgets'
      ? showItkwidgets(model, place)
      : showNiivue(model, place);
  return () => {
    model.off('change:height', resize);
    stop();
    place.remove();
  };
}

function showNiivue(model: IViewerModel, el: HTMLElement): () => void {
  const frames = new KernelFrames(model);
  const panel = new ViewPanel(el, () => loadView3D(frames));
  const stop = new AbortController();

  panel.onChange = change => {
    for (const name of MIRRORED) {
      if (name in change) {
        model.set(name, panel.state[name]);
      }
    }
    model.save_changes();
  };
  const fromKernel = MIRRORED.map(name => {
    const heard = () => panel.set({ [name]: model.get(name) });
    model.on(`change:${name}`, heard);
    return () => model.off(`change:${name}`, heard);
  });
  const newMaps = () => {
    void showMaps(model, panel, frames);
  };
  model.on('change:maps', newMaps);

  const start = async () => {
    try {
      await showVolume(model, panel, frames, stop.signal);
      if (!stop.signal.aborted) {
        await showMaps(model, panel, frames);
        panel.set(mirrored(model));
        model.set('drawn', el.querySelector('[data-ready]') !== null);
        model.save_changes();
      }
    } catch (error) {
      if (!stop.signal.aborted) {
        panel.say(error instanceof Error ? error.message : String(error), true);
      }
    }
  };
  void start();

  return () => {
    stop.abort();
    fromKernel.forEach(off => off());
    model.off('change:maps', newMaps);
    frames.dispose();
    panel.dispose();
  };
}

function mirrored(model: IViewerModel): IViewState {
  const window = model.get('window');
  return {
    show: model.get('show'),
    opacity: model.get('opacity'),
    label_opacity: model.get('label_opacity'),
    window: window[1] > 0 ? window : model.get('info').window,
    clip: model.get('clip')
  };
}

async function showVolume(
  model: IViewerModel,
  panel: ViewPanel,
  frames: KernelFrames,
  signal: AbortSignal
): Promise<void> {
  const info = model.get('info');
  const say = (share: number) =>
    panel.say(`Loading the scan… ${Math.round(100 * share)} %`);
  panel.say('Loading the scan…');
  const data =
    (await voxelsFromServer(info, say, signal)) ??
    slabVoxels(decodeFrame(await frames.fetch('volume', say))).voxels;
  const [center, width] = info.window;
  const { shape, affine, channels } = info;
  if (!signal.aborted) {
    await panel.show({
      shape,
      affine,
      channels,
      data,
      window: { center, width }
    });
  }
}

/** The voxels over HTTP, or null where the server does not have these very voxels. */
async function voxelsFromServer(
  info: IViewInfo,
  progress: (share: number) => void,
  signal: AbortSignal
): Promise<Voxels | null> {
  const server = info.scan ? serverFromPage() : null;
  if (!server) {
    return null;
  }
  try {
    const stored = await fetchVolumeInfo(server, info.scan, signal);
    return isSame(info, stored)
      ? await fetchVoxels(server, stored, progress, signal)
      : null;
  } catch {
    // No extension there, another root, a scan it cannot read: the kernel has the voxels.
    return null;
  }
}

function isSame(info: IViewInfo, stored: IVolumeInfo): boolean {
  const near = (a: number, b: number) =>
    Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(a));
  return (
    info.channels === stored.channels &&
    info.shape.every((n, axis) => n === stored.shape[axis]) &&
    info.range.every((n, end) => near(n, stored.range[end])) &&
    info.affine.every((row, r) =>
      row.every((n, c) => near(n, stored.affine[r][c]))
    )
  );
}

async function showMaps(
  model: IViewerModel,
  panel: ViewPanel,
  frames: KernelFrames
): Promise<void> {
  const fetchMap = async (
    name: 'labels' | 'prediction'
  ): Promise<IOverlay | null> => {
    if (!model.get('maps')[name]) {
      return null;
    }
    const { data, segments } = decodeSnapshot(
      decodeFrame(await frames.fetch(name))
    );
    return { data, segments };
  };
  const labels = await fetchMap('labels');
  const prediction = await fetchMap('prediction');
  panel.setMaps(labels, prediction);
  panel.set({ show: model.get('show') });
}

async function loadView3D(frames: KernelFrames): Promise<IView3DModule> {
  const server = serverFromPage();
  if (server) {
    try {
      return (await import(
        /* @vite-ignore */ `${server.labextensions}/medlab/assets/view3d.js`
      )) as IView3DModule;
    } catch {
      // The labextension is not installed beside this server: the kernel has the file too.
    }
  }
  const code = await frames.fetch('module');
  const url = URL.createObjectURL(
    new Blob([code], { type: 'text/javascript' })
  );
  try {
    return (await import(/* @vite-ignore */ url)) as IView3DModule;
  } finally {
    URL.revokeObjectURL(url);
  }
}

export default { render };

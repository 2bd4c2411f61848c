import css from '../../style/labeling.css';
import { type Plane, SliceEditor } from '../editor';
import type { IServer } from '../server/connection';
import { serverFromPage } from '../server/page';
import { fetchScan } from '../server/scans';
import type { ISegment } from '../server/types';

import { CommServer, type ICommModel } from './comm_server';

interface IState {
  scan_id: string;
  layer_name: string;
  plane: Plane | 'grid';
  planes: Plane[];
  /** For a layer that does not exist yet. */
  new_segments: Partial<ISegment>[];
  is_drawn_on: boolean;
  /** Names of the tools and effects to choose from; null for all. */
  offered: string[] | null;
  height: number;
}

interface IModel extends ICommModel {
  get<K extends keyof IState>(name: K): IState[K];
  on(event: string, listener: (...args: never[]) => void): void;
  off(event: string, listener: (...args: never[]) => void): void;
}

interface IRenderProps {
  model: IModel;
  el: HTMLElement;
}

/** Draws the labeler; anywidget calls the returned function when the view goes. */
async function render({ model, el }: IRenderProps): Promise<() => void> {
  const host = document.createElement('div');
  host.className = 'medlab-SliceLabeler';
  host.style.height = `${model.get('height')}px`;
  const style = document.createElement('style');
  style.textContent = css;
  el.append(style, host);
  const comm = new CommServer(model);
  const server = (await serverThatKnows(model.get('scan_id'))) ?? comm;
  const editor = new SliceEditor(host, {
    server,
    scanId: model.get('scan_id'),
    layer: model.get('layer_name'),
    segments: model.get('new_segments'),
    planes: model.get('planes'),
    plane: model.get('plane'),
    tools: model.get('is_drawn_on'),
    offered: model.get('offered') ?? undefined
  });
  // The editor tells its reader what went wrong.
  editor.ready.catch(() => undefined);
  Object.assign(host, { editor });
  const showPlane = () => editor.showLayout(model.get('plane'));
  model.on('change:plane', showPlane);
  return () => {
    model.off('change:plane', showPlane);
    editor.dispose();
    comm.dispose();
    el.replaceChildren();
  };
}

/** The page's own server, if there is one and the scan lies below its root. */
async function serverThatKnows(scanId: string): Promise<IServer | null> {
  const server = serverFromPage();
  if (!server) {
    return null;
  }
  try {
    await fetchScan(server, scanId);
    return server;
  } catch {
    return null;
  }
}

export default { render };

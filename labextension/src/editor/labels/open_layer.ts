import { type IServer, ServerError } from '../../server/connection';
import { decodeFrame } from '../../server/frames';
import {
  fetchLayer,
  fetchLayers,
  fetchSnapshot,
  openLayer
} from '../../server/labels';
import { decodeSnapshot, type ISnapshot } from '../../server/messages';
import type { ILayerInfo, ISegment, Triple } from '../../server/types';
import { fullSegment } from '../../server/wire';

import { PALETTE } from '../segments/palette';
import {
  type IPendingStore,
  MemoryStore,
  openPendingStore
} from './pending_store';

const FIRST_SEGMENT = fullSegment({
  id: 1,
  name: 'segment 1',
  color: PALETTE[0]
});

export interface ISessionOptions {
  server: IServer;
  scanId: string;
  layer?: string;
  tools: boolean;
  segments?: Partial<ISegment>[];
  /** Who draws; without it whoever uses this browser. */
  author?: string;
}

/** What a layer holds on the server, and what the browser keeps for it. */
export interface IOpened {
  snapshot: ISnapshot;
  store: IPendingStore;
}

/**
 * Loads a layer, and makes it when it is to be drawn on.
 *
 * @returns null where there is none to look at
 * @throws ServerError with code `journal-damaged`, or `other-grid`
 */
export async function loadLayer(
  options: ISessionOptions,
  layer: string,
  shape: Triple,
  signal: AbortSignal
): Promise<IOpened | null> {
  const { server, scanId, tools } = options;
  const found = await findLayer(options, layer);
  if (!found) {
    return null;
  }
  checkGrid(found, shape);
  const body = await fetchSnapshot(server, scanId, layer, signal);
  const store = tools
    ? await openPendingStore(scanId, layer)
    : new MemoryStore(true);
  return { snapshot: decodeSnapshot(decodeFrame(body)), store };
}

/** A name for a further layer beside `layer`: the next number that is free. */
export async function freeLayerName(
  { server, scanId }: ISessionOptions,
  layer: string
): Promise<string> {
  const layers = await fetchLayers(server, scanId);
  const names = new Set(layers.map(({ name }) => name));
  const stem = layer.replace(/-\d+$/, '') || 'labels';
  let number = 2;
  while (names.has(`${stem}-${number}`)) {
    number++;
  }
  return `${stem}-${number}`;
}

async function findLayer(
  { server, scanId, tools, segments }: ISessionOptions,
  layer: string
): Promise<ILayerInfo | null> {
  if (tools) {
    return openLayer(server, scanId, layer, segments ?? [FIRST_SEGMENT]);
  }
  try {
    return await fetchLayer(server, scanId, layer);
  } catch (error) {
    if (error instanceof ServerError && error.status === 404) {
      return null;
    }
    throw error;
  }
}

function checkGrid(found: ILayerInfo, shape: Triple): void {
  if (found.shape.some((size, axis) => size !== shape[axis])) {
    throw new ServerError(
      422,
      'other-grid',
      `The layer "${found.layer}" has ${found.shape.join(' x ')} voxels, the scan ` +
        `${shape.join(' x ')}. Choose a layer that was drawn on this scan.`
    );
  }
}

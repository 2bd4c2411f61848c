import { ask, getBytes, getJson, name, post, postJson } from './ask';
import type { IServer } from './connection';
import type {
  ILabelFile,
  ILayerFile,
  ILayerInfo,
  ILayerSummary,
  ISavedFile,
  ISegment,
  LabelFormat
} from './types';

export async function fetchLayers(
  server: IServer,
  scan: string
): Promise<ILayerSummary[]> {
  const reply = await getJson<{ layers: ILayerSummary[] }>(
    server,
    `labels/${name(scan)}`
  );
  return reply.layers;
}

/** Opens a layer, and makes it with these segments if there is none of that name. */
export function openLayer(
  server: IServer,
  scan: string,
  layer: string,
  segments: readonly Partial<ISegment>[] = []
): Promise<ILayerInfo> {
  return postJson(server, layerPath(scan, layer), { segments });
}

/** Rejects with status 404 if there is no such layer. */
export function fetchLayer(
  server: IServer,
  scan: string,
  layer: string
): Promise<ILayerInfo> {
  return getJson(server, layerPath(scan, layer));
}

/** One snapshot frame with the whole label map. */
export function fetchSnapshot(
  server: IServer,
  scan: string,
  layer: string,
  signal?: AbortSignal
): Promise<ArrayBuffer> {
  return getBytes(server, `${layerPath(scan, layer)}/snapshot`, signal);
}

/** Length-prefixed delta frames of every revision after `from`. */
export function fetchOps(
  server: IServer,
  scan: string,
  layer: string,
  from: number,
  signal?: AbortSignal
): Promise<ArrayBuffer> {
  return getBytes(server, `${layerPath(scan, layer)}/ops?from=${from}`, signal);
}

/**
 * Sends length-prefixed delta frames; resolves with length-prefixed ack frames.
 *
 * Rejects with status 409 when the deltas build on an old revision; the error's `body`
 * holds the length-prefixed frames that were missed.
 */
export async function postOps(
  server: IServer,
  scan: string,
  layer: string,
  frames: BodyInit,
  signal?: AbortSignal
): Promise<ArrayBuffer> {
  const response = await ask(server, `${layerPath(scan, layer)}/ops`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: frames,
    signal
  });
  return response.arrayBuffer();
}

/**
 * Length-prefixed delta frames, oldest first: enough for the author's last `steps` steps
 * to be taken back, and for those taken back to be done again.
 */
export function fetchHistory(
  server: IServer,
  scan: string,
  layer: string,
  by: string,
  steps: number,
  signal?: AbortSignal
): Promise<ArrayBuffer> {
  return getBytes(
    server,
    `${layerPath(scan, layer)}/history?by=${name(by)}&steps=${steps}`,
    signal
  );
}

/** Goes back to the last state that is whole; the damaged files stay beside it. */
export function recoverLayer(
  server: IServer,
  scan: string,
  layer: string
): Promise<ILayerInfo> {
  return postJson(server, `${layerPath(scan, layer)}/recover`, {});
}

/**
 * Writes the layer to a file below the Jupyter root, and remembers it as the layer's.
 *
 * Rejects with status 409 and code `file-changed` when something else wrote the file; the
 * error's `sha256` is what may then be passed as `replace`.
 */
export function saveLayer(
  server: IServer,
  scan: string,
  layer: string,
  options: {
    path: string;
    format?: LabelFormat;
    /** Further layers that go into the same file. */
    layers?: string[];
    replace?: string;
  }
): Promise<ISavedFile> {
  return postJson(server, `${layerPath(scan, layer)}/save`, options);
}

/** The file that the layer was saved to last. */
export function fetchLayerFile(
  server: IServer,
  scan: string,
  layer: string,
  signal?: AbortSignal
): Promise<ILayerFile> {
  return getJson(server, `${layerPath(scan, layer)}/file`, signal);
}

/** Label files that fit the scan. */
export async function fetchLabelFiles(
  server: IServer,
  scan: string,
  signal?: AbortSignal
): Promise<ILabelFile[]> {
  const reply = await getJson<{ files: ILabelFile[] }>(
    server,
    `labels/${name(scan)}/files`,
    signal
  );
  return reply.files;
}

/**
 * Length-prefixed snapshot frames of a label file on the scan's own grid, one for each
 * layer that it needs. Nothing is written.
 */
export async function readLabelFile(
  server: IServer,
  scan: string,
  layer: string,
  path: string,
  signal?: AbortSignal
): Promise<ArrayBuffer> {
  const address = `${layerPath(scan, layer)}/read`;
  return (await post(server, address, { path }, signal)).arrayBuffer();
}

function layerPath(scan: string, layer: string): string {
  return `labels/${name(scan)}/${name(layer)}`;
}

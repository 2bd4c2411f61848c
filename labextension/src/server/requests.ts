import { errorOf, type IServer } from './connection';
import type {
  ILayerInfo,
  ILayerSummary,
  ILogTail,
  IMetricsTail,
  IRun,
  IRunDetail,
  IScan,
  IScanList,
  ISegment,
  IVolumeInfo,
  RunCommand
} from './types';

/*
 * The only file that knows the server's addresses. Every function takes the server
 * first, and rejects with a ServerError that carries a sentence for the reader.
 */

const name = encodeURIComponent;

// Scans

export async function fetchScans(
  server: IServer,
  options: { folder?: string; refresh?: boolean; signal?: AbortSignal } = {}
): Promise<IScanList> {
  const folder = name(options.folder ?? '');
  const refresh = options.refresh ? 1 : 0;
  return getJson(
    server,
    `scans?folder=${folder}&refresh=${refresh}`,
    options.signal
  );
}

export function fetchScan(server: IServer, scan: string): Promise<IScan> {
  return getJson(server, `scans/${name(scan)}`);
}

/** The middle slice as a PNG. */
export function fetchThumbnail(
  server: IServer,
  scan: string,
  signal?: AbortSignal
): Promise<Blob> {
  return getBlob(server, `scans/${name(scan)}/thumbnail`, signal);
}

// Volumes

/** Decodes the scan on the server where that has not been done: may take seconds. */
export function fetchVolumeInfo(
  server: IServer,
  scan: string,
  signal?: AbortSignal
): Promise<IVolumeInfo> {
  return getJson(server, `volumes/${name(scan)}`, signal);
}

/** One slab frame with the planes `k0 <= k < k1`. */
export function fetchSlab(
  server: IServer,
  scan: string,
  k0: number,
  k1: number,
  signal?: AbortSignal
): Promise<ArrayBuffer> {
  return getBytes(
    server,
    `volumes/${name(scan)}/slab?k0=${k0}&k1=${k1}`,
    signal
  );
}

// Labels

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

/** Writes the layer to a file below the Jupyter root. */
export function exportLayer(
  server: IServer,
  scan: string,
  layer: string,
  path: string,
  format: string
): Promise<{ path: string }> {
  return postJson(server, `${layerPath(scan, layer)}/export`, { path, format });
}

// Runs

export async function fetchRuns(
  server: IServer,
  signal?: AbortSignal
): Promise<IRun[]> {
  return (await getJson<{ runs: IRun[] }>(server, 'runs', signal)).runs;
}

export function fetchRun(
  server: IServer,
  run: string,
  signal?: AbortSignal
): Promise<IRunDetail> {
  return getJson(server, `runs/${name(run)}`, signal);
}

/**
 * What was logged from byte `from` on.
 *
 * @param wait_s - the server holds its reply back up to this long until there is news
 */
export function fetchMetrics(
  server: IServer,
  run: string,
  from: number,
  wait_s = 0,
  signal?: AbortSignal
): Promise<IMetricsTail> {
  return getJson(
    server,
    `runs/${name(run)}/metrics?from=${from}&wait_s=${wait_s}`,
    signal
  );
}

/** The trainer's own output from byte `from` on; a negative one counts from the end. */
export function fetchLog(
  server: IServer,
  run: string,
  from: number,
  signal?: AbortSignal
): Promise<ILogTail> {
  return getJson(server, `runs/${name(run)}/log?from=${from}`, signal);
}

export function fetchPreview(
  server: IServer,
  run: string,
  file: string,
  signal?: AbortSignal
): Promise<Blob> {
  return getBlob(server, `runs/${name(run)}/preview/${name(file)}`, signal);
}

/** Asks the trainer to do something; done once its `ack_seq` reaches the `seq`. */
export function postControl(
  server: IServer,
  run: string,
  cmd: RunCommand,
  args: Record<string, unknown> = {}
): Promise<{ seq: number }> {
  return postJson(server, `runs/${name(run)}/control`, { cmd, args });
}

// How a request travels

function layerPath(scan: string, layer: string): string {
  return `labels/${name(scan)}/${name(layer)}`;
}

async function ask(
  server: IServer,
  path: string,
  init: RequestInit
): Promise<Response> {
  const response = await server.request(path, init);
  if (!response.ok) {
    throw await errorOf(response);
  }
  return response;
}

async function getJson<T>(
  server: IServer,
  path: string,
  signal?: AbortSignal
): Promise<T> {
  return (await ask(server, path, { signal })).json() as Promise<T>;
}

async function getBytes(
  server: IServer,
  path: string,
  signal?: AbortSignal
): Promise<ArrayBuffer> {
  return (await ask(server, path, { signal })).arrayBuffer();
}

async function getBlob(
  server: IServer,
  path: string,
  signal?: AbortSignal
): Promise<Blob> {
  return (await ask(server, path, { signal })).blob();
}

async function postJson<T>(
  server: IServer,
  path: string,
  body: unknown
): Promise<T> {
  const response = await ask(server, path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body)
  });
  return response.json() as Promise<T>;
}

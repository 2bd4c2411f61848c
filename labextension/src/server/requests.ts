import { errorOf, type IServer, ServerError } from './connection';
import { decodeFrame, decodePreview, type IPreview } from './frames';
import type {
  IIndexing,
  ILabelFile,
  ILayerFile,
  ILayerInfo,
  ILayerSummary,
  ILogTail,
  IMetricsTail,
  IRun,
  IRunDetail,
  IScan,
  IScanGroups,
  IScanPage,
  IScanQuery,
  ISavedFile,
  ISegment,
  ISmartJob,
  ITags,
  LabelFormat,
  IVolumeInfo,
  RunCommand
} from './types';

/*
 * The only file that knows the server's addresses. Every function takes the server
 * first, and rejects with a ServerError that carries a sentence for the reader.
 */

const name = encodeURIComponent;

// Scans

/** Which rows of an answer, and whether patients are named in it. */
export interface IRows {
  offset: number;
  limit: number;
  private: boolean;
}

/** Search words can be a patient's name: they travel in the body, not in the address. */
export function searchScans(
  server: IServer,
  query: Partial<IScanQuery>,
  rows: IRows,
  signal?: AbortSignal
): Promise<IScanPage> {
  return postJson(server, 'scans/search', { ...query, ...rows }, signal);
}

/** The patients of the scans that a query means, or the studies. */
export function searchGroups(
  server: IServer,
  by: 'patient' | 'study',
  query: Partial<IScanQuery>,
  rows: IRows,
  signal?: AbortSignal
): Promise<IScanGroups> {
  return postJson(server, 'scans/groups', { ...query, ...rows, by }, signal);
}

export function fetchIndexing(
  server: IServer,
  signal?: AbortSignal
): Promise<IIndexing> {
  return getJson(server, 'scans/index', signal);
}

/** `start` reads what is new; `refresh` everything again; `cancel` keeps what was read. */
export function steerIndexing(
  server: IServer,
  cmd: 'start' | 'cancel' | 'refresh'
): Promise<IIndexing> {
  return postJson(server, 'scans/index', { cmd });
}

/** Fields of a scan's header in which all words occur. */
export function fetchTags(
  server: IServer,
  scan: string,
  words: string,
  rows: IRows,
  signal?: AbortSignal
): Promise<ITags> {
  const body = { words, ...rows };
  return postJson(server, `scans/${name(scan)}/tags`, body, signal);
}

/** @param frame - of a 4D scan: the row of that volume, with an id of its own */
export function fetchScan(
  server: IServer,
  scan: string,
  frame = 0
): Promise<IScan> {
  const query = frame > 0 ? `?frame=${frame}` : '';
  return getJson(server, `scans/${name(scan)}${query}`);
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

/**
 * One slab frame with the middle plane, and `info` of the scan in its header: there long
 * before the scan is decoded.
 *
 * @returns null where the format has no quicker way than to decode all of it
 */
export async function fetchFirstSlice(
  server: IServer,
  scan: string,
  signal?: AbortSignal
): Promise<ArrayBuffer | null> {
  const reply = await ask(server, `volumes/${name(scan)}/first`, { signal });
  return reply.status === 204 ? null : reply.arrayBuffer();
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
  const response = await ask(server, `${layerPath(scan, layer)}/read`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ path }),
    signal
  });
  return response.arrayBuffer();
}

// Smart tools

/** What a smart tool answers: a preview, a job that is still at work, or a table. */
export type SmartReply =
  | { kind: 'preview'; preview: IPreview }
  | ({ kind: 'job' } & ISmartJob)
  | { kind: 'answer'; answer: Record<string, unknown> };

export interface ISmartRequest {
  scan: string;
  layer: string;
  /** The server must hold this revision, or a newer one. */
  rev: number;
  params: Record<string, unknown>;
}

export async function postSmart(
  server: IServer,
  tool: string,
  body: ISmartRequest,
  signal?: AbortSignal
): Promise<SmartReply> {
  return smartReply(
    await ask(server, `smart/${name(tool)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal
    })
  );
}

/** @param wait_s - the server holds its reply back up to this long until it is done */
export async function pollSmart(
  server: IServer,
  job: string,
  wait_s: number,
  signal?: AbortSignal
): Promise<SmartReply> {
  return smartReply(
    await ask(server, `smart/jobs/${name(job)}?wait_s=${wait_s}`, { signal })
  );
}

export async function cancelSmart(server: IServer, job: string): Promise<void> {
  await ask(server, `smart/jobs/${name(job)}`, { method: 'DELETE' });
}

async function smartReply(response: Response): Promise<SmartReply> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  // By its first bytes: what comes over a widget's messages has no headers.
  if (bytes[0] === 0x4d) {
    return { kind: 'preview', preview: decodePreview(decodeFrame(bytes)) };
  }
  const answer = JSON.parse(new TextDecoder().decode(bytes)) as Record<
    string,
    unknown
  >;
  if (response.status === 202) {
    const { job, progress, message } = answer;
    return {
      kind: 'job',
      job: String(job),
      progress: typeof progress === 'number' ? progress : null,
      message: String(message ?? '')
    };
  }
  return { kind: 'answer', answer };
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

/** The history of a run as a file; what the formats hold: `medlab.train.export`. */
export function fetchExport(
  server: IServer,
  run: string,
  format: 'csv' | 'json'
): Promise<Blob> {
  return getBlob(server, `runs/${name(run)}/export/${format}`);
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

export async function ask(
  server: IServer,
  path: string,
  init: RequestInit
): Promise<Response> {
  const response = await server.request(path, init);
  if (!response.ok) {
    throw await errorOf(response);
  }
  if (isLoginPage(response)) {
    throw new ServerError(
      401,
      'login',
      'The Jupyter server does not know you any more. Log in again.'
    );
  }
  return response;
}

/** Some servers send whoever has no login to a page for people. */
function isLoginPage(response: Response): boolean {
  const type = response.headers.get('Content-Type') ?? '';
  return response.redirected && type.startsWith('text/html');
}

export async function getJson<T>(
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

export async function postJson<T>(
  server: IServer,
  path: string,
  body: unknown,
  signal?: AbortSignal
): Promise<T> {
  const response = await ask(server, path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    signal
  });
  return response.json() as Promise<T>;
}

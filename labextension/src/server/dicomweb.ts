import { ask, getJson, postJson } from './ask';
import type { IServer } from './connection';

/** A server that the administrator allows: neither its address nor a login. */
export interface IArchiveServer {
  name: string;
  title: string;
  can_send: boolean;
}

/** One series of a server. Its texts are the server's: hostile and private. */
export interface IFoundSeries {
  study: string;
  series: string;
  modality: string;
  date: string;
  instances: number;
  number: string;
  body_part: string;
  description: string;
  study_description: string;
  patient: string;
  patient_id: string;
  /** Id and path of the scan where it has been fetched. */
  scan: string | null;
  path: string | null;
}

export interface IFoundList {
  series: IFoundSeries[];
  /** As many as were asked for: there may be more. */
  more: boolean;
}

/** A series on its way. */
export interface IFetchJob {
  id: string;
  server: string;
  series: string;
  state: 'waiting' | 'running' | 'finished' | 'failed' | 'cancelled';
  done: number;
  total: number | null;
  received_bytes: number;
  scan: string | null;
  path: string | null;
  error: { message: string; code: string } | null;
}

/** What became of one instance that was sent. */
export interface ISentInstance {
  instance: string;
  state: 'stored' | 'changed' | 'refused';
  reason: string;
}

const name = encodeURIComponent;

export async function fetchServers(server: IServer): Promise<IArchiveServer[]> {
  const reply = await getJson<{ servers: IArchiveServer[] }>(
    server,
    'dicomweb/servers'
  );
  return reply.servers;
}

/** The words can be a patient's name: they travel in the body. */
export function searchSeries(
  server: IServer,
  archive: string,
  query: { words: string; private: boolean },
  signal?: AbortSignal
): Promise<IFoundList> {
  return postJson(server, `dicomweb/${name(archive)}/search`, query, signal);
}

/** Starts to fetch a series, or finds the fetch that is on its way. */
export function startFetch(
  server: IServer,
  archive: string,
  series: { study: string; series: string }
): Promise<IFetchJob> {
  return postJson(server, `dicomweb/${name(archive)}/fetch`, series);
}

/** All fetches that the server remembers, newest first. */
export async function fetchJobs(server: IServer): Promise<IFetchJob[]> {
  const reply = await getJson<{ jobs: IFetchJob[] }>(server, 'dicomweb/jobs');
  return reply.jobs;
}

export async function cancelFetch(server: IServer, job: string): Promise<void> {
  await ask(server, `dicomweb/jobs/${name(job)}`, { method: 'DELETE' });
}

/** Sends a layer as DICOM SEG. */
export async function sendLayer(
  server: IServer,
  archive: string,
  scan: string,
  layer: string
): Promise<ISentInstance[]> {
  const reply = await postJson<{ instances: ISentInstance[] }>(
    server,
    `dicomweb/${name(archive)}/send`,
    { scan, layer }
  );
  return reply.instances;
}

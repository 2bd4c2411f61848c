import { getBlob, getJson, name, postJson } from './ask';
import type { IServer } from './connection';
import type {
  IIndexing,
  IScan,
  IScanGroups,
  IScanPage,
  IScanQuery,
  ITags
} from './types';

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

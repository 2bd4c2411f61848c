import { getBlob, getJson, name, postJson } from './ask';
import type { IServer } from './connection';
import type {
  ILogTail,
  IMetricsTail,
  IRun,
  IRunDetail,
  RunCommand
} from './types';

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

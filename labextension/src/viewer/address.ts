import type { IServer } from '../server/connection';
import { searchScans, steerIndexing } from '../server/scans';
import type { IScan } from '../server/types';

/** What the view must know of a scan before it opens it. */
export type IScanAddress = Pick<IScan, 'id' | 'name'> & {
  error?: string | null;
};

/** How long a new file is waited for, and how often is looked. */
const PATIENCE_MS = 15_000;
const LOOK_MS = 500;

/**
 * The scan that a file of the file browser belongs to.
 *
 * @param path - below the Jupyter root; of one DICOM file, its series is meant
 * @throws Error with a sentence when the server lists no such scan
 */
export async function scanOfFile(
  server: IServer,
  path: string,
  signal?: AbortSignal
): Promise<IScanAddress> {
  const known = await listed(server, path, signal);
  if (known.scan) {
    return known.scan;
  }
  // The file may be newer than the index.
  await steerIndexing(server, 'start');
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const { scan, isDone } = await listed(server, path, signal);
    if (scan) {
      return scan;
    }
    if (isDone) {
      break;
    }
    await new Promise(resolve => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(
    'medlab found no scan in this file. It reads DICOM, NIfTI, NRRD, MetaImage and more.'
  );
}

async function listed(
  server: IServer,
  path: string,
  signal?: AbortSignal
): Promise<{ scan: IScan | undefined; isDone: boolean }> {
  const folder = path.slice(0, Math.max(0, path.lastIndexOf('/'))) || '.';
  const rows = { offset: 0, limit: 1000, private: false };
  const find = async (words: string, fits: (scan: IScan) => boolean) => {
    const page = await searchScans(server, { words }, rows, signal);
    const isDone = page.indexing?.state !== 'running';
    return { scan: page.scans.find(fits), isDone };
  };
  const found = await find(path, scan => scan.path === path);
  return found.scan || !/\.dcm$/i.test(path)
    ? found
    : find(
        folder === '.' ? '' : folder,
        scan => scan.format === 'dicom' && scan.path === folder
      );
}

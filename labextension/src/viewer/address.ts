import type { IServer } from '../server/connection';
import { fetchScans } from '../server/requests';
import type { IScan } from '../server/types';

/** What the view must know of a scan before it opens it. */
export type IScanAddress = Pick<IScan, 'id' | 'name'> & {
  error?: string | null;
};

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
  const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '';
  for (const refresh of [false, true]) {
    const { scans } = await fetchScans(server, { folder, refresh, signal });
    const scan =
      scans.find(one => one.path === path) ??
      (/\.dcm$/i.test(path)
        ? scans.find(
            one => one.format === 'dicom' && one.path === (folder || '.')
          )
        : undefined);
    if (scan) {
      return scan;
    }
  }
  throw new Error(
    'medlab found no scan in this file. It reads NIfTI, NRRD, MetaImage and DICOM.'
  );
}

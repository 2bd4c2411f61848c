import { describe, expect, it } from 'vitest';

import { scanOfFile } from '../../../labextension/src/viewer/address';

const SCANS = [
  { id: 'a', path: 'in/ct.nii.gz', name: 'ct.nii.gz', format: 'nifti' },
  { id: 'b', path: 'in', name: 'Series', format: 'dicom' }
];

function serverWith(scans: object[]) {
  const asked: string[] = [];
  return {
    asked,
    labextensions: '',
    request: async (path: string) => {
      asked.push(path);
      const indexing = { state: 'idle' };
      return new Response(JSON.stringify({ scans, indexing }));
    }
  };
}

describe('scanOfFile', () => {
  it('finds a file by its path', async () => {
    await expect(
      scanOfFile(serverWith(SCANS), 'in/ct.nii.gz')
    ).resolves.toMatchObject({
      id: 'a'
    });
  });

  it('takes one DICOM file for the series of its folder', async () => {
    await expect(
      scanOfFile(serverWith(SCANS), 'in/7.DCM')
    ).resolves.toMatchObject({
      id: 'b'
    });
  });

  it('has the server look again before it gives up in one sentence', async () => {
    const server = serverWith([]);

    await expect(scanOfFile(server, 'x.nii')).rejects.toThrow(
      'found no scan in this file'
    );
    expect(server.asked).toEqual([
      'scans/search',
      'scans/index',
      'scans/search'
    ]);
  });
});

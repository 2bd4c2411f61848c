import { describe, expect, it, vi } from 'vitest';

import type { IServer } from '../../../labextension/src/server/connection';
import type { IScan } from '../../../labextension/src/server/types';
import { ScanCatalog } from '../../../labextension/src/scans/catalog';
import {
  filterScans,
  rowsInView
} from '../../../labextension/src/scans/filter';
import { Thumbnails } from '../../../labextension/src/scans/thumbnails';
import listing from '../../contract/scans.json';

const scans = listing.scans as IScan[];

function serverThatReplies(body: unknown, status = 200): IServer {
  return {
    labextensions: '',
    request: async () => new Response(JSON.stringify(body), { status })
  };
}

describe('ScanCatalog', () => {
  it('holds the scans of the reply and is known then', async () => {
    const catalog = new ScanCatalog(serverThatReplies(listing));
    expect(catalog.isKnown).toBe(false);
    const heard = vi.fn();
    catalog.changed.connect(heard);

    await catalog.refresh();

    expect(catalog.scans).toEqual(scans);
    expect(catalog.isKnown).toBe(true);
    expect(catalog.isLoading).toBe(false);
    expect(heard).toHaveBeenCalled();
  });

  it('keeps the old list when the server fails, and says why', async () => {
    let status = 200;
    const catalog = new ScanCatalog({
      labextensions: '',
      request: async () =>
        new Response(
          JSON.stringify(status === 200 ? listing : { message: 'disk gone' }),
          { status }
        )
    });
    await catalog.refresh();
    status = 500;

    await expect(catalog.refresh()).rejects.toThrow('disk gone');

    expect(catalog.error?.message).toBe('disk gone');
    expect(catalog.scans).toEqual(scans);
  });
});

describe('filterScans', () => {
  const scan = {
    ...scans[0],
    name: 'Chest.nii',
    patient: 'P 7',
    modality: 'CT'
  };

  it('wants all words, in any order and case', () => {
    expect(filterScans([scan], 'ct  chest')).toEqual([scan]);
    expect(filterScans([scan], 'ct brainstem')).toEqual([]);
    expect(filterScans([scan], '  ')).toEqual([scan]);
  });
});

describe('rowsInView', () => {
  it('draws what is in view of 5,000 rows and little more', () => {
    const [from, to] = rowsInView(76_000, 760, 76, 5000);
    expect(from).toBeLessThanOrEqual(1000);
    expect(to).toBeGreaterThanOrEqual(1010);
    expect(to - from).toBeLessThan(25);
  });

  it('stays within the list when that got shorter', () => {
    expect(rowsInView(76_000, 760, 76, 3)).toEqual([2, 3]);
    expect(rowsInView(0, 760, 76, 0)).toEqual([0, 0]);
  });
});

describe('Thumbnails', () => {
  it('asks for few at once, goes on after an abort, and revokes all', async () => {
    let open = 0;
    let most = 0;
    const gates: (() => void)[] = [];
    const store = new Thumbnails({
      labextensions: '',
      request: async () => {
        most = Math.max(most, ++open);
        await new Promise<void>(resolve => gates.push(resolve));
        open -= 1;
        return new Response(new Blob(['png']));
      }
    });
    const revoked = vi.spyOn(URL, 'revokeObjectURL');
    const aborters = Array.from({ length: 8 }, () => new AbortController());
    const loads = aborters.map((aborter, i) =>
      store.load(`k${i}`, `s${i}`, aborter.signal)
    );
    aborters[4].abort();
    for (let i = 0; i < 10; i++) {
      await new Promise(resolve => setTimeout(resolve));
      gates.splice(0).forEach(let_go => let_go());
    }

    const urls = await Promise.all(loads);
    expect(most).toBe(3);
    expect(urls.filter(url => url === null)).toHaveLength(1);
    expect(store.known('k7')).toBe(urls[7]);
    store.dispose();
    expect(revoked).toHaveBeenCalledTimes(7);
    revoked.mockRestore();
  });
});

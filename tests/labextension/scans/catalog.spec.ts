import { describe, expect, it, vi } from 'vitest';

import { ScanCatalog } from '../../../labextension/src/scans/catalog';
import listing from '../../contract/scans-search.json';
import { FakeLibrary, soon } from './fake_library';

async function catalogOf(server: FakeLibrary): Promise<ScanCatalog> {
  const catalog = new ScanCatalog(server);
  await catalog.refresh();
  return catalog;
}

const searches = (server: FakeLibrary) =>
  server.asked.filter(({ path }) => path === 'scans/search');

describe('ScanCatalog', () => {
  it('holds the rows, counts and progress of the reply', async () => {
    const catalog = new ScanCatalog({
      labextensions: '',
      request: async path =>
        new Response(
          JSON.stringify(path === 'scans/index' ? listing.indexing : listing)
        )
    });
    expect(catalog.isKnown).toBe(false);
    const heard = vi.fn();
    catalog.changed.connect(heard);

    await catalog.refresh();

    expect(catalog.rows.row(1)?.scan).toEqual(listing.scans[1]);
    expect([catalog.count, catalog.found, catalog.rows.count]).toEqual([
      3, 3, 3
    ]);
    expect(catalog.indexing).toEqual(listing.indexing);
    expect(catalog.isKnown).toBe(true);
    expect(catalog.isLoading).toBe(false);
    expect(heard).toHaveBeenCalled();
    catalog.dispose();
  });

  it('has room for 100,000 scans and asks for those in view alone', async () => {
    const server = new FakeLibrary(100_000);
    const catalog = await catalogOf(server);
    const { rows } = catalog;
    expect(rows.count).toBe(100_000);
    expect(rows.height).toBe(7_600_000);

    // Flying through the list asks for nothing on the way.
    for (let place = 1000; place < 90_000; place += 1000) {
      rows.want(place, place + 12);
    }
    await soon();

    const offsets = searches(server).map(({ body }) => body.offset);
    expect(offsets).toEqual([0, 89_000]);
    expect(rows.row(89_005)?.scan?.name).toBe('scan 89005');
    expect(rows.row(50_000)?.scan).toBeNull();
    expect(rows.placeAt(76 * 89_005 + 3)).toBe(89_005);
    catalog.dispose();
  });

  it('drops the answer to older words, and shows the old rows until then', async () => {
    const server = new FakeLibrary(5000);
    const catalog = await catalogOf(server);
    const gates = new Map<string, () => void>();
    server.gate = ({ body }) =>
      new Promise(resolve => gates.set(body.words ?? '', resolve));

    catalog.set({ words: '49' });
    catalog.set({ words: '499' });
    expect(catalog.rows.count).toBe(5000);
    const [older, newer] = searches(server).slice(-2);
    expect(older.signal?.aborted).toBe(true);
    expect(newer.signal?.aborted).toBe(false);
    gates.get('499')?.();
    await soon(0);
    gates.get('49')?.();
    await soon(0);

    // 499, 1499, 2499, 3499, 4499 and 4990 to 4999
    expect(catalog.found).toBe(15);
    expect(catalog.rows.row(0)?.scan?.name).toBe('scan 499');
    catalog.dispose();
  });

  it('keeps the old rows when the server fails, and says why', async () => {
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
    expect(catalog.rows.count).toBe(3);
    catalog.dispose();
  });

  it('asks again a little later when the server has enough to do', async () => {
    let refused = 0;
    const catalog = new ScanCatalog({
      labextensions: '',
      request: async path =>
        path === 'scans/search' && refused++ === 0
          ? new Response('{"message": "Busy.", "code": "too-many"}', {
              status: 429
            })
          : new Response(
              JSON.stringify(
                path === 'scans/index' ? listing.indexing : listing
              )
            )
    });

    await catalog.refresh();

    expect(refused).toBe(2);
    expect(catalog.error).toBeNull();
    expect(catalog.rows.count).toBe(3);
    catalog.dispose();
  });

  it('asks for names only when they are shown, and forgets them at once', async () => {
    const server = new FakeLibrary(8);
    const catalog = await catalogOf(server);
    expect(server.asked.every(({ body }) => !body.private)).toBe(true);

    catalog.show({ names: true });
    await soon(0);
    expect(catalog.rows.row(7)?.scan?.patient).toBe('Doe 1');

    server.gate = () => new Promise(() => undefined);
    catalog.show({ names: false });
    expect(catalog.rows.row(7)).toBeNull();
    expect(searches(server).at(-1)?.body.private).toBe(false);
    catalog.dispose();
  });

  it('puts words into the body and never into an address', async () => {
    const server = new FakeLibrary(8);
    const catalog = await catalogOf(server);

    catalog.show({ view: 'tree' });
    catalog.set({ words: 'Doe^Jane' });
    await soon(0);

    expect(server.asked.some(({ body }) => body.words === 'Doe^Jane')).toBe(
      true
    );
    expect(server.asked.filter(({ path }) => /doe/i.test(path))).toEqual([]);
    catalog.dispose();
  });

  it('shows new rows when the index has changed, and how far it is', async () => {
    const server = new FakeLibrary(8);
    const catalog = await catalogOf(server);
    server.size = 12;
    server.revision = 2;
    server.indexing = { ...server.indexing, state: 'running', done: 3 };

    catalog.watch();
    await soon();

    expect(catalog.rows.count).toBe(12);
    expect(catalog.indexing.done).toBe(3);
    await catalog.cancelIndexing();
    expect(catalog.indexing.state).toBe('cancelled');
    catalog.dispose();
  });
});

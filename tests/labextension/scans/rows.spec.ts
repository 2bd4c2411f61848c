import { describe, expect, it } from 'vitest';

import { ScanCatalog } from '../../../labextension/src/scans/catalog';
import { panesFor } from '../../../labextension/src/scans/compare';
import { partsOf } from '../../../labextension/src/scans/problem';
import {
  MOST_CHOSEN,
  Selection
} from '../../../labextension/src/scans/selection';
import { FakeLibrary, soon } from './fake_library';

async function tree(size: number) {
  const server = new FakeLibrary(size);
  const catalog = new ScanCatalog(server);
  catalog.show({ view: 'tree' });
  await soon();
  return { server, catalog };
}

/** Names of the rows from one place on. */
function names(catalog: ScanCatalog, from: number, count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const row = catalog.rows.row(from + index);
    return row?.scan?.name ?? row?.group?.label ?? '?';
  });
}

describe('the tree', () => {
  it('has a row for each patient until one is opened', async () => {
    const { catalog } = await tree(100_000);
    expect(catalog.rows.count).toBe(25_000);
    expect(catalog.count).toBe(100_000);
    const patient = catalog.rows.row(1);
    expect(patient?.key).toBe('p1');

    catalog.rows.setOpen(patient!, true);
    await soon();

    // Four scans are few: the studies below open by themselves.
    expect(names(catalog, 0, 9)).toEqual([
      'patient 0',
      'patient 1',
      ...['study 2', 'scan 4', 'scan 5', 'study 3', 'scan 6', 'scan 7'],
      'patient 2'
    ]);
    expect(catalog.rows.count).toBe(25_006);
    const scan = catalog.rows.row(4)!;
    expect([scan.level, scan.position, scan.siblings]).toEqual([3, 2, 2]);
    expect(catalog.rows.row(scan.parent)?.key).toBe('s2');
    expect(catalog.rows.row(5)?.parent).toBe(1);
    // Three groups of 40 px and two scans of 76 px lie above.
    expect(catalog.rows.row(5)?.top).toBe(3 * 40 + 2 * 76);
    expect(catalog.rows.placeAt(3 * 40 + 2 * 76 + 1)).toBe(5);
    expect(catalog.rows.height).toBe(25_002 * 40 + 4 * 76);

    catalog.rows.setOpen(catalog.rows.row(1)!, false);
    expect(catalog.rows.count).toBe(25_000);
    catalog.dispose();
  });

  it('shows few scans without being asked, and keeps open what was open', async () => {
    const { catalog } = await tree(100);
    catalog.rows.setOpen(catalog.rows.row(5)!, true);
    await soon();
    expect(names(catalog, 5, 3)).toEqual(['patient 5', 'study 10', 'scan 20']);

    catalog.set({ words: 'scan 2' });
    await soon();
    // scan 2 and 20 to 29: eleven of 100.
    expect(catalog.found).toBe(11);
    expect(names(catalog, 0, 5)).toEqual([
      ...['patient 0', 'study 1', 'scan 2', 'patient 5', 'study 10']
    ]);

    catalog.set({ words: '' });
    await soon();
    expect(names(catalog, 5, 1)).not.toEqual(['?']);
    expect([...catalog.rows.open]).toContain('p5');
    catalog.dispose();
  });
});

describe('Selection', () => {
  async function list(size: number) {
    const catalog = new ScanCatalog(new FakeLibrary(size));
    await catalog.refresh();
    return { catalog, rows: catalog.rows, selection: new Selection() };
  }

  it('takes a range in, also of rows nobody has looked at', async () => {
    const { catalog, rows, selection } = await list(5000);
    selection.only(rows.row(10)!);
    await selection.extend(rows.row(310)!, rows);

    const chosen = selection.chosen.map(({ name }) => name);
    expect(chosen).toHaveLength(301);
    expect([chosen[0], chosen.at(-1)]).toEqual(['scan 10', 'scan 310']);
    catalog.dispose();
  });

  it('takes at most a thousand, and says so', async () => {
    const { catalog, rows, selection } = await list(5000);
    expect(await selection.all(rows)).toBe(false);
    expect(selection.chosen).toHaveLength(MOST_CHOSEN);
    catalog.dispose();
  });

  it('takes single rows in and out, and only one without a key', async () => {
    const { catalog, rows, selection } = await list(9);
    selection.only(rows.row(1)!);
    selection.toggle(rows.row(3)!);
    selection.toggle(rows.row(5)!);
    selection.toggle(rows.row(3)!);
    expect(selection.chosen.map(({ name }) => name)).toEqual([
      'scan 1',
      'scan 5'
    ]);
    selection.only(rows.row(2)!);
    expect(selection.chosen.map(({ name }) => name)).toEqual(['scan 2']);
    catalog.dispose();
  });

  it('chooses a row that was not here yet once it comes', async () => {
    const { catalog, rows, selection } = await list(5000);
    selection.only(rows.row(4999)!);
    expect(selection.chosen).toEqual([]);
    rows.want(4990, 5000);
    await soon();
    selection.follow(rows);
    expect(selection.chosen.map(({ name }) => name)).toEqual(['scan 4999']);
    catalog.dispose();
  });

  it('forgets names that are no longer to be seen', async () => {
    const { catalog, selection } = await list(9);
    catalog.show({ names: true });
    await soon();
    selection.only(catalog.rows.row(4)!);
    expect(selection.chosen[0].patient).toBe('Doe 1');
    selection.hideNames();
    expect(JSON.stringify(selection.chosen)).not.toContain('Doe');
    catalog.dispose();
  });
});

describe('panesFor', () => {
  it('puts three side by side and four in two rows', () => {
    expect(panesFor(3).map(({ mode }) => mode)).toEqual([
      ...['tab-after', 'split-right', 'split-right']
    ]);
    expect(panesFor(4)).toEqual([
      { mode: 'tab-after', ref: -1 },
      { mode: 'split-right', ref: 0 },
      { mode: 'split-bottom', ref: 0 },
      { mode: 'split-bottom', ref: 1 }
    ]);
  });
});

describe('partsOf', () => {
  it('tells what to do next apart from what came', () => {
    const message = listingError();
    expect(partsOf(message)).toEqual({
      detail:
        'notes.nii.gz must be a NIfTI file, got something else under that name.',
      hint: 'Look what it really is; perhaps only its ending is wrong.'
    });
    expect(partsOf('Only one sentence.').hint).toBe('');
  });
});

function listingError(): string {
  return 'notes.nii.gz must be a NIfTI file, got something else under that name. Look what it really is; perhaps only its ending is wrong.';
}

// @vitest-environment jsdom
import { execFileSync } from 'node:child_process';

import { nullTranslator } from '@jupyterlab/translation';
import { createElement, type ReactElement } from 'react';
import { createRoot } from 'react-dom/client';
import { flushSync } from 'react-dom';
import { describe, expect, it, vi } from 'vitest';

import { ChosenScans } from '../../../labextension/src/scans/chosen';
import { ScanDetails } from '../../../labextension/src/scans/details';
import { GroupRow } from '../../../labextension/src/scans/group_row';
import { ReadOnlyNote } from '../../../labextension/src/scans/read_only';
import { ScanRow } from '../../../labextension/src/scans/row';
import { Thumbnails } from '../../../labextension/src/scans/thumbnails';
import type { IIndexing, IScan } from '../../../labextension/src/server/types';
import listing from '../../contract/scans-search.json';

// Icons alone are wanted of it, and loading it takes a whole browser.
vi.mock('@jupyterlab/ui-components', () => ({
  LabIcon: class {
    react = () => null;
  }
}));

const HOSTILE = '<img src=x onerror="globalThis.hacked = 1">';
const trans = nullTranslator.load('medlab');
const PLACE = {
  ...{ id: 'row', level: 1, place: 0, top: 0, position: 1, siblings: 9 },
  ...{ isTree: false, isActive: false, isSelected: false, trans }
};

function draw(element: ReactElement): HTMLElement {
  const host = document.createElement('div');
  flushSync(() => createRoot(host).render(element));
  return host;
}

function drawRow(scan: IScan, isTree = false): HTMLElement {
  const thumbnails = new Thumbnails({
    labextensions: '',
    request: () => Promise.reject(new Error('none'))
  });
  return draw(createElement(ScanRow, { ...PLACE, isTree, scan, thumbnails }));
}

function fakeActions() {
  return {
    open: vi.fn(),
    insertLoad: vi.fn(),
    insertAnnotate: vi.fn(),
    insertDataset: vi.fn(),
    compare: vi.fn(),
    showTags: vi.fn(),
    showLabels: vi.fn()
  };
}

function drawDetails(scan: IScan) {
  const actions = fakeActions();
  const host = draw(createElement(ScanDetails, { scan, trans, actions }));
  const press = (words: string) =>
    [...host.querySelectorAll('button')]
      .find(button => button.textContent === words)
      ?.click();
  return { host, actions, press };
}

const scan = { ...(listing.scans[0] as IScan), error: null };

describe('ScanRow', () => {
  it('shows hostile names as the text they are', () => {
    const host = drawRow({ ...scan, name: HOSTILE, patient: HOSTILE });

    expect(host.querySelector('img')).toBeNull();
    expect(host.textContent).toContain(HOSTILE);
    expect(Object.hasOwn(globalThis, 'hacked')).toBe(false);
  });

  it('says why a scan cannot be read', () => {
    const host = drawRow({ ...scan, error: 'The file ends early.' });

    expect(host.textContent).toContain('The file ends early.');
    expect(host.querySelector('[data-does=open]')).toBeNull();
  });

  it('says what is wrong in a word before it says it in a sentence', () => {
    const host = drawRow({
      ...scan,
      error: 'The file ends early.',
      error_title: 'Not a readable scan'
    });

    const error = host.querySelector('.medlab-ScanRow-error');
    expect(error?.textContent).toBe(
      'Not a readable scan: The file ends early.'
    );
    expect(error?.querySelector('strong')?.textContent).toBe(
      'Not a readable scan: '
    );
  });

  it('calls a series by its description, and a file by its name', () => {
    const told = { description: 'AX LUNG', study: 'CHEST', date: '2024-01-31' };
    const series = drawRow({ ...scan, ...told, series: '1.2.3', name: 'IM7' });
    const file = drawRow({
      ...scan,
      series: null,
      path: 'a/b/c.nii',
      name: 'c.nii'
    });
    const lines = (host: HTMLElement) =>
      ['name', 'origin'].map(
        part => host.querySelector(`.medlab-ScanRow-${part}`)?.textContent
      );

    expect(lines(series)).toEqual(['AX LUNG', '2024-01-31 · CHEST · IM7']);
    expect(lines(file)).toEqual(['c.nii', 'a/b']);
  });

  it('names size, spacing and the label layers', () => {
    const host = drawRow({
      ...scan,
      shape: [512, 512, 120],
      spacing_mm: [0.7, 0.7, 1.25],
      labels: true,
      layers: ['lungs']
    });

    const grid = [...host.querySelectorAll('.medlab-ScanRow-grid')];
    expect(grid.map(({ textContent }) => textContent)).toEqual([
      '512×512×120',
      '0.7×0.7×1.25 mm'
    ]);
    expect(host.querySelector('.medlab-mod-labels')?.textContent).toBe('lungs');
  });

  it('never says mm where nobody knows how large a voxel is', () => {
    const host = drawRow({
      ...scan,
      spacing_mm: [1, 1, 1],
      spacing_unit: 'pixels'
    });

    expect(host.textContent).toContain('1×1×1 px');
    expect(host.textContent).not.toContain('mm');
  });

  it('tells assistive technology where it is', () => {
    const option = drawRow(scan).firstElementChild;
    expect(option?.getAttribute('role')).toBe('option');
    expect(option?.getAttribute('aria-posinset')).toBe('1');
    expect(option?.getAttribute('aria-setsize')).toBe('9');

    const row = drawRow(scan, true).firstElementChild;
    expect(row?.getAttribute('role')).toBe('row');
    expect(row?.getAttribute('aria-level')).toBe('1');
    expect(row?.querySelector('[role=gridcell]')).not.toBeNull();
  });
});

describe('GroupRow', () => {
  it('says whether it is open, and whose it is as text', () => {
    const group = {
      ...{ key: 'a', label: HOSTILE, detail: '', scans: 3, date: '' },
      modalities: ['CT', 'MR']
    };
    const host = draw(
      createElement(GroupRow, {
        ...{ ...PLACE, isTree: true, isOpen: true },
        ...{ group, kind: 'patient' }
      })
    );

    expect(host.querySelector('img')).toBeNull();
    expect(host.textContent).toContain(HOSTILE);
    expect(host.textContent).toContain('CT, MR · 3 scans');
    expect(host.firstElementChild?.getAttribute('aria-expanded')).toBe('true');
  });
});

describe('ScanDetails', () => {
  it('shows error and warnings word by word, with what to do next', () => {
    const { host } = drawDetails({
      ...scan,
      error: 'a.nii must be NIfTI, got text. Look what it is.',
      warnings: ['Slices lie 2.5 to 5 mm apart.', 'One slice is there twice.']
    });

    const error = host.querySelector('.medlab-ScanProblem.medlab-mod-error');
    const parts = [...(error?.querySelectorAll('p') ?? [])];
    expect(parts.map(part => part.textContent)).toEqual([
      'a.nii must be NIfTI, got text.',
      'Look what it is.'
    ]);
    const warnings = [...host.querySelectorAll('.medlab-mod-warning li')];
    expect(warnings.map(item => item.textContent)).toEqual([
      'Slices lie 2.5 to 5 mm apart.',
      'One slice is there twice.'
    ]);
    expect(host.textContent).not.toContain('Open');
  });

  it('opens the volume of a 4D scan that was chosen', () => {
    const { host, actions, press } = drawDetails({
      ...scan,
      frames: 3,
      frame_kind: 'b-value',
      frame_values: [0, 500, 1000]
    });
    const select = host.querySelector('select');
    expect([...(select?.options ?? [])].map(({ text }) => text)).toEqual([
      '1 of 3 · b = 0 s/mm²',
      '2 of 3 · b = 500 s/mm²',
      '3 of 3 · b = 1000 s/mm²'
    ]);
    flushSync(() => {
      select!.value = '2';
      select!.dispatchEvent(new Event('change', { bubbles: true }));
    });

    press('Open');
    press('Load in notebook');
    expect(actions.open).toHaveBeenCalledWith(expect.anything(), 2);
    expect(actions.insertLoad).toHaveBeenCalledWith(expect.anything(), 2);
  });

  it('offers the labels that refer to the series', () => {
    const attached = listing.scans[1] as IScan;
    const { actions, press } = drawDetails(attached);

    press('Show its labels');

    expect(actions.showLabels).toHaveBeenCalledWith(
      attached,
      attached.attachments[0]
    );
  });
});

describe('ChosenScans', () => {
  it('compares up to six, and leaves out what cannot be read', () => {
    const actions = fakeActions();
    const many = Array.from({ length: 7 }, (_, n) => ({
      ...scan,
      id: String(n),
      error: n === 6 ? 'Broken.' : null
    }));
    const host = draw(
      createElement(ChosenScans, {
        ...{ scans: many, trans, actions, onClear: () => undefined }
      })
    );
    const [compare, dataset] = host.querySelectorAll('button');

    compare.click();
    dataset.click();

    expect(host.textContent).toContain('7 scans selected');
    expect(host.textContent).toContain('1 cannot be read');
    expect(actions.compare).toHaveBeenCalledWith(many.slice(0, 6));
    expect(actions.insertDataset).toHaveBeenCalledWith(many.slice(0, 6));
  });
});

describe('every hostile text', () => {
  const print =
    'import json, sys; sys.path.insert(0, "."); ' +
    'from tests.support.hostile_text import INJECTIONS; print(json.dumps(INJECTIONS))';
  const texts: string[] = JSON.parse(
    execFileSync('python3', ['-c', print], { encoding: 'utf8' })
  );

  it('is one of forty', () => expect(texts.length).toBeGreaterThanOrEqual(40));

  it.each(texts.map((text, n) => [n, text]))(
    'number %i stays text in rows, groups and details',
    (_, text) => {
      const hostile: IScan = {
        ...scan,
        ...{ name: text, path: text, patient: text, patient_id: text },
        ...{ study: text, description: text, date: text, body_part: text },
        ...{
          modality: text,
          orientation: text,
          warnings: [text],
          layers: [text]
        },
        ...{
          labels: true,
          frames: 2,
          frame_kind: text,
          frame_values: [text, text]
        },
        attachments: [{ kind: 'seg', path: text, name: text }]
      };
      const group = {
        ...{ key: 'a', label: text, detail: text, scans: 3, date: text },
        modalities: [text]
      };
      const drawn = [
        drawRow(hostile),
        drawRow({ ...hostile, error: text }, true),
        drawDetails(hostile).host,
        drawDetails({ ...hostile, error: text }).host,
        draw(
          createElement(GroupRow, {
            ...{ ...PLACE, isTree: true, isOpen: true },
            ...{ group, kind: 'patient' }
          })
        )
      ];

      for (const host of drawn) {
        expect(host.textContent).toContain(text);
        const tags = new Set(
          [...host.querySelectorAll('*')].map(node => node.localName)
        );
        for (const own of OWN_TAGS) {
          tags.delete(own);
        }
        expect([...tags]).toEqual([]);
        const handlers = [...host.querySelectorAll('*')].flatMap(node =>
          node.getAttributeNames().filter(name => name.startsWith('on'))
        );
        expect(handlers).toEqual([]);
      }
    }
  );
});

/** Elements that the panel itself is made of. */
const OWN_TAGS = [
  ...['div', 'span', 'button', 'section', 'h3', 'p', 'dl', 'dt', 'dd'],
  ...['strong', 'ul', 'li', 'label', 'select', 'option']
];

describe('ReadOnlyNote', () => {
  it('says that nothing can be saved, where that is so', () => {
    const { indexing } = listing;
    const words = (read_only: boolean) =>
      draw(
        createElement(ReadOnlyNote, {
          indexing: { ...(indexing as IIndexing), read_only },
          trans
        })
      ).textContent;

    expect(words(true)).toContain('labels and runs cannot be saved');
    expect(words(false)).toBe('');
  });
});

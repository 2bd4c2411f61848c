// @vitest-environment jsdom
import { nullTranslator } from '@jupyterlab/translation';
import { createElement } from 'react';
import { createRoot } from 'react-dom/client';
import { flushSync } from 'react-dom';
import { describe, expect, it, vi } from 'vitest';

import type { IScan } from '../../../labextension/src/server/types';
import { ScanRow } from '../../../labextension/src/scans/row';
import { Thumbnails } from '../../../labextension/src/scans/thumbnails';
import listing from '../../contract/scans.json';

// Icons alone are wanted of it, and loading it takes a whole browser.
vi.mock('@jupyterlab/ui-components', () => ({
  LabIcon: class {
    react = () => null;
  }
}));

const HOSTILE = '<img src=x onerror="globalThis.hacked = 1">';

function draw(scan: IScan) {
  const host = document.createElement('div');
  const actions = {
    open: vi.fn(),
    insertLoad: vi.fn(),
    insertAnnotate: vi.fn()
  };
  const row = createElement(ScanRow, {
    scan,
    id: 'row',
    top: 0,
    place: 1,
    count: 1,
    isSelected: false,
    thumbnails: new Thumbnails({
      labextensions: '',
      request: () => Promise.reject(new Error('none'))
    }),
    trans: nullTranslator.load('medlab'),
    actions,
    onSelect: () => undefined,
    onGrab: () => undefined
  });
  flushSync(() => createRoot(host).render(row));
  return { host, actions };
}

describe('ScanRow', () => {
  const scan = { ...(listing.scans[0] as IScan), error: null };

  it('shows hostile names as the text they are', () => {
    const { host } = draw({ ...scan, name: HOSTILE, patient: HOSTILE });

    expect(host.querySelector('img')).toBeNull();
    expect(host.textContent).toContain(HOSTILE);
    expect(Object.hasOwn(globalThis, 'hacked')).toBe(false);
  });

  it('says why a scan cannot be read, and does not open it', () => {
    const { host, actions } = draw({ ...scan, error: 'The file ends early.' });

    expect(host.textContent).toContain('The file ends early.');
    const doubleClick = new MouseEvent('dblclick', { bubbles: true });
    host.querySelector('.medlab-ScanRow')?.dispatchEvent(doubleClick);
    expect(actions.open).not.toHaveBeenCalled();
  });

  it('names size, spacing and the label layers', () => {
    const { host } = draw({
      ...scan,
      shape: [512, 512, 120],
      spacing_mm: [0.7, 0.7, 1.25],
      labels: true,
      layers: ['lungs']
    });

    expect(host.textContent).toContain('512×512×120 · 0.7×0.7×1.25 mm');
    expect(host.querySelector('.medlab-mod-labels')?.textContent).toBe('lungs');
  });
});

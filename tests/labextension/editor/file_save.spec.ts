// @vitest-environment jsdom
import { expect, it, vi } from 'vitest';

import { FileSave } from '../../../labextension/src/editor/bars/file_save';
import type { IEditorContext } from '../../../labextension/src/editor/context';

/** The form on a page, and what brings the scan's own name to it. */
function form(): {
  save: FileSave;
  field: HTMLInputElement;
  scanComes: () => Promise<void>;
} {
  let come: ((reply: Response) => void) | undefined;
  const context = {
    trans: (words: string) => words,
    notify: () => undefined,
    scanId: 'a1',
    signal: new AbortController().signal,
    scene: { volume: { info: { name: 'chest.nii.gz' } } },
    session: {
      layer: 'labels',
      place: 'disk',
      file: { info: { state: 'none' }, refresh: async () => undefined },
      others: { list: [] },
      changed: { connect: () => () => undefined }
    },
    server: {
      request: () => new Promise<Response>(resolve => (come = resolve))
    }
  } as unknown as IEditorContext;
  const save = new FileSave(context, () => undefined);
  document.body.replaceChildren(save.node);
  const field = save.node.querySelector<HTMLInputElement>('.medlab-File-path')!;
  return {
    save,
    field,
    scanComes: async () => {
      await vi.waitFor(() => expect(come).toBeDefined());
      come?.(Response.json({ path: 'scans/chest.nii.gz', format: 'nifti' }));
    }
  };
}

it('proposes a name beside the scan, ready to be typed over', async () => {
  const { save, field, scanComes } = form();
  const opened = save.open();
  save.focus();
  await scanComes();
  await opened;
  expect(field.value).toMatch(/^scans\/chest.*\.nii\.gz$/);
  expect([field.selectionStart, field.selectionEnd]).toEqual([
    0,
    field.value.length
  ]);
});

it('leaves a name alone that is being typed when the scan comes', async () => {
  const { save, field, scanComes } = form();
  const opened = save.open();
  save.focus();
  field.value = 'by-ke';
  await scanComes();
  await opened;
  expect(field.value).toBe('by-ke');
});

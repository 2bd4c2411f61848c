import { describe, expect, it } from 'vitest';

import { ServerError } from '../../../labextension/src/server/connection';
import type { ISnapshot } from '../../../labextension/src/server/messages';
import type { Triple } from '../../../labextension/src/server/types';
import { fullSegment } from '../../../labextension/src/server/wire';
import { fileName } from '../../../labextension/src/editor/bars/download';
import { nextName } from '../../../labextension/src/editor/bars/file_save';
import { applyEdit } from '../../../labextension/src/editor/labels/delta';
import {
  additions,
  replacements
} from '../../../labextension/src/editor/labels/import';
import { LabelSession } from '../../../labextension/src/editor/labels/label_session';
import { LabelMap } from '../../../labextension/src/editor/labels/label_map';
import { segNrrd } from '../../../labextension/src/editor/labels/seg_nrrd';
import { troubleOf } from '../../../labextension/src/editor/labels/trouble';

import { infoOf, MemoryServer } from './memory_server';

const LINE: Triple = [5, 1, 1];

describe('what goes wrong with saving', () => {
  it.each([
    [0, 'offline', 'offline'],
    [503, 'http-503', 'offline'],
    [429, 'too-many', 'offline'],
    [401, 'login', 'login'],
    [403, 'http-403', 'login'],
    [507, 'disk', 'disk'],
    [500, 'http-500', 'refused'],
    [422, 'bad-segment', 'refused'],
    [422, 'journal-damaged', 'damaged']
  ])('status %i with code %s is told as %s', (status, code, kind) => {
    const error = new ServerError(status, code, 'A sentence.');

    expect(troubleOf(error)).toMatchObject({ kind, message: 'A sentence.' });
  });

  it('names the newest revision that is whole', () => {
    const fields = { last_good_rev: 12 };
    const error = new ServerError(
      ...([422, 'journal-damaged', 'Damaged.', undefined, fields] as const)
    );

    expect(troubleOf(error).lastGoodRev).toBe(12);
  });
});

describe('damaged labels', () => {
  it('are not called saved before the last good state is shown', async () => {
    const info = infoOf(LINE);
    const server = new MemoryServer(info, new Int16Array(5));
    server.map.segments = [fullSegment({ id: 1, name: 'lung' })];
    server.map.data.set([0, 1, 1, 0, 0]);
    server.isDamaged = true;
    const options = {
      ...{ server, scanId: info.id, layer: 'labels', tools: true }
    };
    const { signal } = new AbortController();
    const session = await LabelSession.open(options, info, signal);
    const answer = server.request.bind(server);
    const told: string[] = [];
    server.request = (...asked) => {
      told.push(`${[...session.labels.data]} ${session.state}`);
      return answer(...asked);
    };

    await session.recover();

    expect(new Set(told.slice(0, 3))).toEqual(new Set(['0,0,0,0,0 unsaved']));
    expect([...session.labels.data]).toEqual([0, 1, 1, 0, 0]);
    expect(session.state).toBe('saved');
    session.dispose();
  });
});

describe('a file that is read in', () => {
  const map = () =>
    new LabelMap(LINE, Uint8Array.of(1, 1, 2, 0, 0), [
      fullSegment({ id: 1, name: 'lung' }),
      fullSegment({ id: 2, name: 'heart', locked: true })
    ]);
  const file: ISnapshot = {
    ...{ rev: 0, layer: '', shape: LINE, marks: [] },
    data: Uint8Array.of(0, 1, 1, 1, 0),
    segments: [fullSegment({ id: 1, name: 'spine', locked: true })]
  };

  it('in addition leaves what is drawn, and gets numbers of its own', () => {
    const labels = map();

    additions(labels, file).forEach(edit => applyEdit(labels, edit));

    expect([...labels.data]).toEqual([1, 1, 2, 3, 0]);
    expect(labels.segments.map(({ id, name }) => [id, name])).toEqual([
      [1, 'lung'],
      [2, 'heart'],
      [3, 'spine']
    ]);
  });

  it('in place of the labels leaves locked segments', () => {
    const labels = map();

    replacements(labels, file).forEach(edit => applyEdit(labels, edit));

    expect([...labels.data]).toEqual([0, 1, 2, 1, 0]);
    expect(labels.segments.map(({ id, name }) => [id, name])).toEqual([
      [1, 'spine'],
      [2, 'heart']
    ]);
  });
});

describe('names of files', () => {
  it.each([
    ['a/ct-labels.nii.gz', 'a/ct-labels-2.nii.gz'],
    ['ct-9.seg.nrrd', 'ct-10.seg.nrrd'],
    ['x.seg.dcm', 'x-2.seg.dcm']
  ])('the one after %s is %s', (path, next) => {
    expect(nextName(path)).toBe(next);
  });

  it('a download is named after scan and layer, without what a disk refuses', () => {
    expect(fileName('ct: a/b.nii.gz', 'labels')).toBe('ct_ a_b-labels');
  });
});

it('a copy made in the browser has the geometry in LPS and one line a name', async () => {
  const map = new LabelMap(LINE, Uint8Array.of(0, 7, 7, 0, 0), [
    fullSegment({ id: 7, name: 'two\nlines \\', color: '#ff0080' })
  ]);
  const affine = [
    [2, 0, 0, -10],
    [0, 3, 0, 20],
    [0, 0, 4, -30],
    [0, 0, 0, 1]
  ];

  const file = new Uint8Array(await (await segNrrd(map, affine)).arrayBuffer());

  const text = new TextDecoder('latin1').decode(file);
  const header = text.slice(0, text.indexOf('\n\n'));
  expect(header).toContain('space directions: (-2,0,0) (0,-3,0) (0,0,4)');
  expect(header).toContain('space origin: (10,-20,-30)');
  expect(header).toContain('Segment0_Name:=two lines \\\\');
  expect(header).toContain('Segment0_Color:=1 0 0.501961');
  expect(header).toContain('Segment0_Extent:=1 2 0 0 0 0');
  const packed = new Blob([file.slice(header.length + 2)]).stream();
  const unpacked = packed.pipeThrough(new DecompressionStream('gzip'));
  const voxels = await new Response(unpacked).arrayBuffer();
  expect([...new Uint8Array(voxels)]).toEqual([...map.data]);
});

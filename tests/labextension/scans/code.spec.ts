import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

import {
  annotateCell,
  datasetCell,
  loadCell,
  pathFrom,
  pythonString
} from '../../../labextension/src/scans/code';

describe('pythonString', () => {
  const hostile = [
    'plain name.nii.gz',
    'a"b\'c\\d',
    '"); import os; os.system("x") #',
    'line\nbreak\r\t',
    'ünïcode 日本 🧠',
    'right\u202eto left\u2028 and zero\u200bwidth\u0000',
    '{not} %s formatted'
  ];

  it('reads back in Python as the very same text', () => {
    const code = `import json; print(json.dumps([${hostile.map(pythonString).join(', ')}]))`;
    const read = JSON.parse(
      execFileSync('python3', ['-c', code], { encoding: 'utf8' })
    );
    expect(read).toEqual(hostile);
  });

  it('shows no character that hides what follows', () => {
    expect(pythonString('a\u202eb')).toBe('"a\\u202eb"');
  });
});

describe('pathFrom', () => {
  it.each([
    ['', 'samples/ct.nii', 'samples/ct.nii'],
    ['notebooks', 'samples/ct.nii', '../samples/ct.nii'],
    ['a/b', 'a/c/x.nrrd', '../c/x.nrrd'],
    ['a', 'a/series', 'series'],
    ['a/b', 'a/b', '../b'],
    ['a', '/data/x.nii', '/data/x.nii']
  ])('from %j to %j is %j', (folder, path, expected) => {
    expect(pathFrom(folder, path)).toBe(expected);
  });
});

describe('cells', () => {
  const scan = { path: 'ct/chest', series: '1.2.3' };

  it('load a scan, with the import only where it is missing', () => {
    expect(loadCell(scan, '', [])).toBe(
      'import medlab\n\nscan = medlab.open_scan("ct/chest", series="1.2.3")'
    );
    expect(loadCell(scan, '', ['import os\nimport medlab  # here'])).toBe(
      'scan = medlab.open_scan("ct/chest", series="1.2.3")'
    );
  });

  it('annotate the scan that is loaded, and load it where another one is', () => {
    const load = loadCell(scan, '', []);
    expect(annotateCell(scan, '', [load])).toBe(
      'labeler = medlab.SliceLabeler(scan)\nlabeler'
    );
    const other = 'scan = medlab.open_scan("other.nii")';
    expect(annotateCell(scan, '', [load, other])).toContain('ct/chest');
  });

  it('name the volume of a 4D scan', () => {
    expect(loadCell({ path: 'a.nii', frame: 3 }, '', ['import medlab'])).toBe(
      'scan = medlab.open_scan("a.nii", frame=3)'
    );
  });
});

describe('datasetCell', () => {
  it('lists paths alone where these are enough', () => {
    const cell = datasetCell([{ path: 'a.nii' }, { path: 'b/c.nii' }], 'b', []);
    expect(cell).toBe(
      [
        'import medlab',
        '',
        'scans = [',
        '    "../a.nii",',
        '    "c.nii",',
        ']',
        '# Each scan is opened when its turn comes.',
        'volumes = (medlab.open_scan(path) for path in scans)'
      ].join('\n')
    );
  });

  it('means in Python what was chosen, whatever the names are', () => {
    const paths = [
      'plain.nii',
      '"); import os; os.system("x") #.nii',
      'line\nbreak\u2028and\u202eturned.nii',
      '""" + __import__("os").name + """.nii',
      '{0} %s \\N{BULLET} \\x41.nii'
    ];
    const scans = [
      ...paths.map(path => ({ path })),
      { path: 'ct', series: '1.2\n3' },
      { path: 'diffusion', series: '1.4', frame: 2 }
    ];
    const cell = datasetCell(scans, '', ['import medlab']);
    const code = [
      'import json',
      'class medlab:',
      '    @staticmethod',
      '    def open_scan(path, series=None, frame=None):',
      '        return [path, series, frame]',
      cell,
      'print(json.dumps(list(volumes)))'
    ].join('\n');
    const read = JSON.parse(
      execFileSync('python3', ['-c', code], { encoding: 'utf8' })
    );
    expect(read).toEqual([
      ...paths.map(path => [path, null, null]),
      ['ct', '1.2\n3', null],
      ['diffusion', '1.4', 2]
    ]);
  });
});

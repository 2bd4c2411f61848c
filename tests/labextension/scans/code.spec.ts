import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';

import {
  annotateCell,
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
});

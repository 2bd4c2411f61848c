/*
 * Python code for notebook cells. File names and patient names are hostile text: each
 * goes into the code as one string literal and nowhere else.
 */

/** What a cell needs to know of a scan. */
export interface IScanAddress {
  path: string;
  series?: string | null;
  /** Which volume of a 4D scan, from 0. */
  frame?: number | null;
}

/** A Python string literal that evaluates to `text` and looks like it. */
export function pythonString(text: string): string {
  let literal = '"';
  for (const character of text) {
    literal += escaped(character);
  }
  return `${literal}"`;
}

/** `path`, seen from the folder of the notebook: that is where its kernel runs. */
export function pathFrom(folder: string, path: string): string {
  if (path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path)) {
    return path;
  }
  const from = folder.split('/').filter(part => part && part !== '.');
  const to = path.split('/').filter(part => part && part !== '.');
  let same = 0;
  while (
    same < from.length &&
    same < to.length - 1 &&
    from[same] === to[same]
  ) {
    same += 1;
  }
  const up = from.slice(same).map(() => '..');
  return [...up, ...to.slice(same)].join('/') || '.';
}

/** The line that opens a scan from a notebook in `folder`. */
export function openLine(scan: IScanAddress, folder: string): string {
  const path = pythonString(pathFrom(folder, scan.path));
  const series = scan.series ? `, series=${pythonString(scan.series)}` : '';
  const frame =
    typeof scan.frame === 'number' ? `, frame=${Math.trunc(scan.frame)}` : '';
  return `scan = medlab.open_scan(${path}${series}${frame})`;
}

/**
 * A cell that loads a scan.
 *
 * @param folder - of the notebook, relative to the Jupyter root
 * @param before - sources of the code cells above, in order
 */
export function loadCell(
  scan: IScanAddress,
  folder: string,
  before: readonly string[]
): string {
  return withImport([openLine(scan, folder)], before);
}

/** A cell that annotates a scan, and loads it where the cells above did not. */
export function annotateCell(
  scan: IScanAddress,
  folder: string,
  before: readonly string[]
): string {
  const open = openLine(scan, folder);
  const lines = ['labeler = medlab.SliceLabeler(scan)', 'labeler'];
  return withImport(isOpen(open, before) ? lines : [open, ...lines], before);
}

/**
 * A cell that lists scans, and says how to open them one by one.
 *
 * A folder can hold several series and a scan several volumes: then each entry names what
 * `open_scan` must know; else it is the path alone.
 */
export function datasetCell(
  scans: readonly IScanAddress[],
  folder: string,
  before: readonly string[]
): string {
  const arePaths = scans.every(
    ({ series, frame }) => !series && typeof frame !== 'number'
  );
  const entries = scans.map(({ path, series, frame }) => {
    const text = pythonString(pathFrom(folder, path));
    const more = [
      ...(series ? [`"series": ${pythonString(series)}`] : []),
      ...(typeof frame === 'number' ? [`"frame": ${Math.trunc(frame)}`] : [])
    ];
    return arePaths
      ? `    ${text},`
      : `    {${[`"path": ${text}`, ...more].join(', ')}},`;
  });
  const opened = arePaths
    ? 'volumes = (medlab.open_scan(path) for path in scans)'
    : 'volumes = (medlab.open_scan(**scan) for scan in scans)';
  const lines = [
    'scans = [',
    ...entries,
    ']',
    '# Each scan is opened when its turn comes.',
    opened
  ];
  return withImport(lines, before);
}

function withImport(lines: string[], before: readonly string[]): string {
  const imported = before.some(source =>
    /^import medlab\s*(#.*)?$/m.test(source)
  );
  return (imported ? lines : ['import medlab', '', ...lines]).join('\n');
}

function isOpen(open: string, before: readonly string[]): boolean {
  const assigned = before.flatMap(source =>
    source.split('\n').filter(line => /^\s*scan\s*=/.test(line))
  );
  return assigned.at(-1)?.trim() === open;
}

function escaped(character: string): string {
  const simple: Record<string, string> = {
    '\\': '\\\\',
    '"': '\\"',
    '\n': '\\n',
    '\r': '\\r',
    '\t': '\\t'
  };
  if (character in simple) {
    return simple[character];
  }
  // Control, format (right-to-left marks) and separator characters, and halves of
  // surrogate pairs, would make the cell look like something it is not.
  if (!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character)) {
    return character;
  }
  const code = character.codePointAt(0) ?? 0;
  return code > 0xffff
    ? `\\U${code.toString(16).padStart(8, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

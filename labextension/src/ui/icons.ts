import { LabIcon } from '@jupyterlab/ui-components';

// Drawn for medlab on a 24 x 24 grid. `jp-icon3` takes the theme's colour.

function icon(name: string, paths: string): LabIcon {
  const svgstr =
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">' +
    `<g class="jp-icon3" fill="#616161">${paths}</g></svg>`;
  return new LabIcon({ name: `medlab:${name}`, svgstr });
}

/** A stack of slices. */
export const scansIcon = icon(
  'scans',
  '<path d="M12 2 2 7l10 5 10-5-10-5zm0 2.3L17.5 7 12 9.7 6.5 7 12 4.3z"/>' +
    '<path d="m4.2 10.9-2.2 1.1 10 5 10-5-2.2-1.1L12 14.8l-7.8-3.9z"/>' +
    '<path d="m4.2 15.9-2.2 1.1 10 5 10-5-2.2-1.1L12 19.8l-7.8-3.9z"/>'
);

/** A falling loss. */
export const trainingIcon = icon(
  'training',
  '<path d="M3 3h2v16h16v2H3z"/>' +
    '<path d="m7.6 6.2 1.9-.6c1 3.4 2.3 6.3 5 8 1.5.9 3.5 1.3 6.5 1.4v2' +
    'c-3.3-.1-5.7-.6-7.6-1.7-3.2-2-4.8-5.4-5.8-9.1z"/>'
);

/** A sheet with an arrow into it: put a cell that loads the scan. */
export const loadCellIcon = icon(
  'load-cell',
  '<path d="M4 3h16v7h-2V5H6v14h12v-3h2v5H4z"/>' +
    '<path d="M22 12H14.8l2.6-2.6L16 8l-5 5 5 5 1.4-1.4-2.6-2.6H22z"/>'
);

/** A brush: put a cell that annotates the scan. */
export const annotateIcon = icon(
  'annotate',
  '<path d="M20.7 3.3a2 2 0 0 0-2.8 0L9.6 11.6l2.8 2.8 8.3-8.3a2 2 0 0 0 0-2.8z"/>' +
    '<path d="M8.3 13a3.5 3.5 0 0 0-3.5 3.5c0 1.5-1.2 2.3-2.3 2.3A6 6 0 0 0 7 21' +
    'a4.3 4.3 0 0 0 4.3-4.3A3.6 3.6 0 0 0 8.3 13z"/>'
);

/** A tag: the scan has labels. */
export const labelsIcon = icon(
  'labels',
  '<path d="M3 3v8.2l9.8 9.8 8.2-8.2L11.2 3zm4.5 6A1.5 1.5 0 1 1 9 7.5' +
    ' 1.5 1.5 0 0 1 7.5 9z"/>'
);

/** A triangle that points to the right: a group that is closed. */
export const closedIcon = icon('closed', '<path d="m9 6 7 6-7 6z"/>');

/** A triangle that points down: a group that is open. */
export const openIcon = icon('open', '<path d="m6 9 6 7 6-7z"/>');

/** Head and shoulders: a patient. */
export const patientIcon = icon(
  'patient',
  '<circle cx="12" cy="7.5" r="4"/>' +
    '<path d="M4 21c0-4.4 3.6-7.5 8-7.5s8 3.1 8 7.5z"/>'
);

/** A sheet with lines: what a scan says about itself. */
export const tagsIcon = icon(
  'tags',
  '<path d="M4 3h16v18H4zm2 2v14h12V5z"/>' +
    '<path d="M8 8h3v1.6H8zm4.4 0H16v1.6h-3.6zM8 11.2h3v1.6H8zm4.4 0H16v1.6h-3.6z' +
    'M8 14.4h3V16H8zm4.4 0H16V16h-3.6z"/>'
);

/** Two panes side by side. */
export const compareIcon = icon(
  'compare',
  '<path d="M3 4h18v16H3zm2 2v12h6V6zm8 0v12h6V6z"/>'
);

/** An arrow: in which direction is sorted. */
export const ascendingIcon = icon(
  'ascending',
  '<path d="M11 20V8l-4.6 4.6L5 11.2l7-7 7 7-1.4 1.4L13 8v12z"/>'
);
export const descendingIcon = icon(
  'descending',
  '<path d="M11 4v12l-4.6-4.6L5 12.8l7 7 7-7-1.4-1.4L13 16V4z"/>'
);

/** A branching list, and a plain one. */
export const treeIcon = icon(
  'tree',
  '<path d="M3 4h8v4H8v3h5V9.5h8v5h-8V13H8v5h5v-1.5h8v5h-8V20H6V8H3z"/>'
);
export const flatIcon = icon(
  'flat',
  '<path d="M3 5h18v3H3zm0 5.5h18v3H3zM3 16h18v3H3z"/>'
);

/** Two shelves of a rack: scans on a server. */
export const archiveIcon = icon(
  'archive',
  '<path d="M4 4h16v6H4zm2 2v2h12V6zM4 13h16v6H4zm2 2v2h12v-2z"/>' +
    '<path d="M7 6.4h1.6v1.2H7zM7 15.4h1.6v1.2H7z"/>'
);

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Widget } from '@lumino/widgets';

import type { IServer } from '../server/connection';
import { fetchScan } from '../server/scans';
import type { IAttachment, IScan } from '../server/types';
import { MOST_COMPARED, panesFor } from './compare';
import { volumeLabel } from './details';

/** The command of the scan document, which is a feature of its own. */
const OPEN = 'medlab:open-scan';

/** Where a scan document goes, and what it shows besides the scan. */
export interface IOpening {
  mode?: string;
  ref?: string;
  /** Label file to read in, with the tools on. */
  labels?: string;
}

/** Opens the scan document, and says so where that feature is switched off. */
export async function openScan(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  scan: Pick<IScan, 'id' | 'path' | 'series' | 'name'>,
  opening: IOpening = {}
): Promise<Widget | null> {
  if (!app.commands.hasCommand(OPEN)) {
    Notification.info(
      trans.__('The scan document is switched off in the extension manager.')
    );
    return null;
  }
  const { id, path, series, name } = scan;
  return (await app.commands.execute(OPEN, {
    id,
    path,
    name,
    ...(series ? { series } : {}),
    ...opening
  })) as Widget;
}

/** Opens one volume of a 4D scan: each has an identity of its own, which the server knows. */
export async function openVolume(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  server: IServer,
  scan: IScan,
  frame: number
): Promise<void> {
  try {
    const { id } =
      frame > 0 ? await fetchScan(server, scan.id, frame) : { id: scan.id };
    const label = volumeLabel(scan, frame, trans);
    const name = scan.frames > 1 ? `${scan.name} (${label})` : scan.name;
    await openScan(app, trans, { ...scan, id, name });
  } catch (error) {
    Notification.error(error instanceof Error ? error.message : String(error));
  }
}

/** Opens scans beside one another in the main area. */
export async function compareScans(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  scans: readonly IScan[]
): Promise<void> {
  const shown = scans.slice(0, MOST_COMPARED);
  const opened: (Widget | null)[] = [];
  for (const [index, { mode, ref }] of panesFor(shown.length).entries()) {
    const beside = opened[ref]?.id;
    const pane = beside ? { mode, ref: beside } : {};
    opened.push(await openScan(app, trans, shown[index], pane));
  }
  if (scans.length > shown.length) {
    Notification.info(trans.__('The first %1 scans are shown.', MOST_COMPARED));
  }
}

/** Opens the scan with a label file laid over it, through the import that layers have. */
export async function showLabels(
  app: JupyterFrontEnd,
  trans: TranslationBundle,
  scan: IScan,
  attachment: IAttachment
): Promise<void> {
  await openScan(app, trans, scan, { labels: attachment.path });
}

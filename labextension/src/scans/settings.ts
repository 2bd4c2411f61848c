import type { ISettingRegistry } from '@jupyterlab/settingregistry';

import type { ScanCatalog } from './catalog';

/** Shows the scans as the reader's settings say, now and whenever those change. */
export async function followSettings(
  registry: ISettingRegistry | null,
  plugin: string,
  scans: ScanCatalog
): Promise<void> {
  const settings = await registry?.load(plugin).catch(() => null);
  if (!settings) {
    return;
  }
  const apply = () => {
    const get = (key: string) =>
      written.has(key) ? written.get(key) : settings.get(key).composite;
    const seconds = get('lookAgainSeconds');
    if (typeof seconds === 'number') {
      scans.lookAgain_s = seconds;
    }
    const view = get('view') === 'tree' ? 'tree' : 'list';
    scans.show({ view, names: get('showPatientNames') === true });
    const sort = String(get('sort') ?? 'path');
    const descending = get('descending') === true;
    const { query } = scans;
    if (sort !== query.sort || descending !== query.descending) {
      scans.set({ sort, descending });
    }
  };
  apply();
  settings.changed.connect(apply, scans);
}

/** Keeps a choice for the next time; without settings it holds until the page is closed. */
export function keepSetting(
  registry: ISettingRegistry | null,
  plugin: string,
  key: string,
  value: boolean | string
): void {
  written.set(key, value);
  // One after the other: each writes the whole file.
  last = last
    .then(() => registry?.set(plugin, key, value))
    .catch(() => undefined)
    .then(() => {
      if (written.get(key) === value) {
        written.delete(key);
      }
    });
}

/** Choices on their way to the server: what is told of them meanwhile is old. */
const written = new Map<string, boolean | string>();
let last: Promise<unknown> = Promise.resolve();

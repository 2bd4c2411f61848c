import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, Notification } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { complaintInWords } from '../editor/bars/key_overlay';
import { ACTIONS } from '../editor/input/actions';
import { KeyMap } from '../editor/input/key_map';
import { answerPage, type IPreferences } from '../editor/preferences';
import type { Translate } from '../editor/translate';
import { addLabelingCommands } from './commands';
import { FocusedEditor } from './focused_editor';

const ID = 'medlab:labeling';

/**
 * Gives every slice editor of the page, in documents and in notebooks alike, the reader's
 * keys, choices and language; and the command palette all that an editor can do.
 */
const labeling: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Keys, settings and commands for drawing labels on scans.',
  autoStart: true,
  optional: [ITranslator, ISettingRegistry, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    registry: ISettingRegistry | null,
    palette: ICommandPalette | null
  ) => {
    const bundle = (translator ?? nullTranslator).load('medlab');
    const trans: Translate = (text, ...args) => bundle.__(text, ...args);
    let chosen: Partial<IPreferences> = {};
    const stop = new AbortController();
    const tell = answerPage(() => ({ ...chosen, trans }), stop.signal);
    addLabelingCommands(app.commands, palette, new FocusedEditor(), trans);
    void registry
      ?.load(ID)
      .then(settings => {
        const read = () => {
          const keys = settings.composite.keys as Record<string, string>;
          chosen = { ...(settings.composite as Partial<IPreferences>) };
          warn(keys, trans);
          tell();
        };
        settings.changed.connect(read);
        read();
      })
      .catch(() => undefined); // without settings the defaults hold
  }
};

/** Tells of keys in the settings that cannot be as they are. */
function warn(keys: Readonly<Record<string, string>>, trans: Translate): void {
  const { complaints } = new KeyMap(ACTIONS, keys);
  for (const complaint of complaints) {
    Notification.warning(complaintInWords(complaint, trans), {
      autoClose: 10_000
    });
  }
}

export const labelingPlugins = [labeling];

import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';

import { ACTIONS } from '../editor/input/actions';
import type { Translate } from '../editor/translate';
import type { FocusedEditor } from './focused_editor';

/** The keyboard's pointer is of no use where a command's name was typed. */
const COMMANDS = ACTIONS.filter(({ group }) => group !== 'pointer');

/** One command an action: `medlab:label-brush`, `medlab:label-undo` and so on. */
export function addLabelingCommands(
  commands: JupyterFrontEnd['commands'],
  palette: ICommandPalette | null,
  editor: FocusedEditor,
  trans: Translate
): void {
  for (const { id, words, draws = false } of COMMANDS) {
    const command = `medlab:label-${id}`;
    commands.addCommand(command, {
      label: trans(words),
      caption: trans('In the scan that was last clicked or focused'),
      isEnabled: () => editor.can(draws),
      execute: () => editor.run(id),
      describedBy: { args: { type: 'object', properties: {} } }
    });
    palette?.addItem({ command, category: trans('medlab labeling') });
  }
}

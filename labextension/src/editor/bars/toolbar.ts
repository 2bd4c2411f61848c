import type { IVolumeInfo } from '../../server/types';

import { element } from '../dom';
import { icon, type IconName } from '../icons';
import {
  type ActionGroup,
  actionsOf,
  type IAction,
  type IActionTarget,
  isOffered
} from '../input/actions';
import type { ISettings } from '../settings';
import type { Plane } from '../view/geometry';
import { type IWindowPreset, presetsFor } from '../view/intensity';
import { unitsOf } from '../view/units';
import { ActionButtons } from './action_buttons';
import { toolbarGroup } from './controls';
import { type IRowGroup, Overflow } from './overflow';
import { Popover } from './popover';
import { rove } from './roving';
import { ToolSettings } from './tool_settings';
import { ViewControls } from './view_controls';

export interface IToolbarOptions {
  planes: readonly Plane[];
  presets: readonly IWindowPreset[];
  isGrey: boolean;
  /** Of intensities. */
  unit: string;
  /** Of lengths. */
  lengthUnit: string;
}

/** A group of the tools' row: the lower its rank, the earlier it gives way. */
const TOOL_GROUPS: readonly [string, readonly ActionGroup[], number][] = [
  ['Move and paint', ['move', 'paint'], 10],
  ['Outline', ['outline'], 8],
  ['Grow', ['grow'], 7],
  ['Mark', ['mark'], 3],
  ['Measure', ['measure'], 2]
];

/**
 * Above the planes: a row of tools, and a row with what the chosen tool is set to and how
 * the scan is shown. Where a row is too narrow, groups move into a panel at its end.
 */
export class Toolbar {
  constructor(
    private readonly _target: IActionTarget,
    options: IToolbarOptions,
    /** Where panels open. */
    private readonly _host: HTMLElement
  ) {
    const { context } = _target;
    const { trans, hasTools } = context;
    const run = (action: string) => void context.run(action);
    const keyOf = (action: string) => context.keyOf(action);
    this._buttons = new ActionButtons(_target, run, keyOf, trans);
    this.node = element('div', {
      className: 'medlab-Toolbar',
      attributes: { role: 'toolbar', 'aria-label': trans('Image tools') }
    });
    this._settings = new ToolSettings(
      ...([context.settings, options, keyOf, trans] as const)
    );
    this._view = new ViewControls(_target, this._buttons, options);
    if (hasTools) {
      this._addRow('tools', this._toolGroups(), 'more', trans('More tools'));
    }
    this._addRow('view', this._viewGroups(), 'contrast', trans('View'));
    this._updateFocus = rove(this.node);
    this._stop = [
      context.settings.changed.connect(values => this._show(values)),
      _target.changed.connect(() => this._show(context.settings.values))
    ];
    this._show(context.settings.values);
  }

  readonly node: HTMLElement;

  /** Puts a part's controls at the right end of the tools. */
  place(node: HTMLElement): void {
    this._corner.append(node);
    this._overflows.forEach(row => row.fit());
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
    this._overflows.forEach(row => row.dispose());
  }

  private _toolGroups(): IRowGroup[] {
    const { trans } = this._target.context;
    const groups = TOOL_GROUPS.map(([words, names, rank]) => {
      const buttons = this._offered(...names).map(action => {
        const button = this._buttons.make(action);
        button.dataset.tool = action.id;
        return button;
      });
      const node = toolbarGroup(trans(words), buttons);
      node.hidden = buttons.length === 0;
      return { node, rank };
    });
    const [undo, redo] = actionsOf('history');
    const history = toolbarGroup(trans('History'), [
      this._buttons.make(undo),
      this._buttons.make(redo)
    ]);
    const effects = toolbarGroup(trans('Effects'), [this._effects()]);
    effects.hidden = this._offered('effect').length === 0;
    const corner = toolbarGroup(trans('Files and keys'), [this._corner]);
    const [keys] = actionsOf('view').filter(({ id }) => id === 'keys');
    corner.append(this._buttons.make(keys));
    corner.classList.add('medlab-mod-end');
    return [
      ...groups,
      { node: effects, rank: 9 },
      { node: history, rank: 11 },
      { node: corner, rank: 6 }
    ];
  }

  private _offered(...groups: readonly ActionGroup[]): IAction[] {
    const { context } = this._target;
    return actionsOf(...groups).filter(action => isOffered(action, context));
  }

  /** The effects by name: too many, and too much alike, for a row of icons. */
  private _effects(): HTMLElement {
    const { trans, signal } = this._target.context;
    const button = this._menuButton('effects', trans('Effects'), true);
    const menu = new Popover(button, trans('Effects'), this._host, signal);
    menu.content.classList.add('medlab-mod-list');
    menu.content.append(
      ...this._offered('effect').map(action => {
        const entry = this._buttons.make(action);
        entry.addEventListener('click', () => menu.close());
        return entry;
      })
    );
    return button;
  }

  private _viewGroups(): readonly IRowGroup[] {
    const { hasTools } = this._target.context;
    const settings = { node: this._settings.node, rank: 10 };
    const groups = this._view.groups;
    groups[0].node.classList.add('medlab-mod-end');
    return hasTools ? [settings, ...groups] : groups;
  }

  private _addRow(
    name: string,
    groups: readonly IRowGroup[],
    more: IconName,
    words: string
  ): void {
    const button = this._menuButton(more, words, false);
    const row = element(
      'div',
      { className: `medlab-Toolbar-row medlab-mod-${name}` },
      [...groups.map(({ node }) => node), button]
    );
    this.node.append(row);
    const { signal } = this._target.context;
    const panel = new Popover(button, words, this._host, signal);
    panel.content.classList.add('medlab-mod-groups');
    const fitted = () => this._updateFocus?.();
    this._overflows.push(new Overflow(row, groups, panel, fitted));
  }

  private _menuButton(
    name: IconName,
    words: string,
    isNamed: boolean
  ): HTMLButtonElement {
    const button = element(
      'button',
      {
        className: 'medlab-Editor-button medlab-mod-menu',
        title: words,
        attributes: { type: 'button', 'aria-label': words }
      },
      [icon(name)]
    );
    if (isNamed) {
      button.append(element('span', { text: words }), icon('chevron'));
    }
    return button;
  }

  private _show(values: ISettings): void {
    this._buttons.update();
    this._settings.show(values);
    this._view.show(values);
    this._updateFocus?.();
  }

  private readonly _buttons: ActionButtons;
  private readonly _settings: ToolSettings;
  private readonly _view: ViewControls;
  private readonly _corner = element('span', {
    className: 'medlab-Toolbar-pair'
  });
  private readonly _overflows: Overflow[] = [];
  private readonly _updateFocus: (() => void) | undefined;
  private readonly _stop: (() => void)[];
}

/** The toolbar for a scan in these planes. */
export function toolbarOptions(
  info: IVolumeInfo,
  planes: readonly Plane[]
): IToolbarOptions {
  return {
    planes,
    presets: presetsFor(info),
    isGrey: info.channels === 1,
    unit: info.unit,
    lengthUnit: unitsOf(info).length
  };
}

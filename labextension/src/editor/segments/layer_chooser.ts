import { isAbort } from '../../server/connection';
import type { ILayerSummary } from '../../server/types';

import { iconButton, textButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';

import { LayerRow } from './layer_row';
import { RovingList } from './roving_list';

/** What the server takes for the name of a layer. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9 _-]{0,62}[A-Za-z0-9_-])?$/;

/** How long switching waits for edits to reach the server before it goes on. */
const PATIENCE_MS = 3000;

/**
 * The label layers of the scan. One is drawn on; others can be shown below it, so that
 * segments may overlap.
 */
export class LayerChooser {
  constructor(private readonly _context: IEditorContext) {
    const { trans, session, hasTools } = _context;
    this._list = new RovingList<ILayerSummary>({
      label: trans('Layers'),
      className: 'medlab-Layers-list',
      keyOf: layer => layer.name,
      makeRow: layer =>
        new LayerRow(layer, _context, {
          choose: name => void this.choose(name),
          toggle: name => void this._toggle(name),
          isUnder: name => session.others.isShown(name)
        }),
      onKey: (event, { name }) => {
        const isChoice = event.key === 'Enter' || event.key === ' ';
        if (isChoice) {
          void this.choose(name);
        }
        return isChoice;
      }
    });
    this._form = this._addForm();
    this.node.append(this._form, this._list.node);
    this.buttons = [this._state];
    if (hasTools) {
      this.buttons.push(
        iconButton('plus', trans('Add a layer'), () => this._openForm())
      );
    }
    this._stop = [
      session.changed.connect(() => this._follow()),
      session.others.changed.connect(() => this._show())
    ];
  }

  readonly node = element('div', { className: 'medlab-Layers' });
  /** For the heading of the section. */
  readonly buttons: HTMLElement[];

  /** Asks the server which layers there are, and for those that are shown. */
  async refresh(): Promise<void> {
    try {
      await this._context.session.others.refresh();
    } catch {
      // Without the server, the layer that is open is the one there is.
    }
    this._show();
  }

  /** Draws on this layer from now on; the one before is shown below it. */
  async choose(name: string): Promise<void> {
    const { session, notify, trans, settings } = this._context;
    const old = session.layer;
    if (this._isBusy || name === old) {
      return;
    }
    this._isBusy = true;
    this._state.textContent = trans('Opening…');
    try {
      await Promise.race([session.settled(), pause(PATIENCE_MS)]);
      await session.switchLayer(name);
      settings.set({ segment: session.labels.segments[0]?.id ?? 0 });
      notify(trans('Drawing on layer %1.', name));
    } catch (error) {
      this._tell(error);
    } finally {
      this._isBusy = false;
      this._state.textContent = '';
      await this.refresh();
    }
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
  }

  private _show(): void {
    const { signal, session, scene } = this._context;
    if (signal.aborted) {
      return;
    }
    const { layer, labels, rev, others } = session;
    const isListed = others.list.some(({ name }) => name === layer);
    const open = { name: layer, rev, segments: labels.segments };
    this._layers = layer && !isListed ? [...others.list, open] : others.list;
    this._list.show(this._layers);
    scene.setUnderlays(
      session.otherLayers.filter(({ name }) => name !== layer)
    );
  }

  private _follow(): void {
    if (this._context.session.layer !== this._shown) {
      this._shown = this._context.session.layer;
      this._show();
    }
  }

  private async _toggle(name: string): Promise<void> {
    const { others } = this._context.session;
    try {
      await others.show(name, !others.isShown(name));
    } catch (error) {
      this._tell(error);
    }
  }

  private _tell(error: unknown): void {
    if (!isAbort(error) && !this._context.signal.aborted) {
      this._context.notify(
        error instanceof Error ? error.message : String(error),
        'alert'
      );
    }
  }

  private _openForm(): void {
    const names = new Set(this._layers.map(({ name }) => name));
    let number = 2;
    while (names.has(`labels-${number}`)) {
      number++;
    }
    this._name.value = names.has('labels') ? `labels-${number}` : 'labels';
    this._context.showSection('layers');
    this._form.hidden = false;
    this._name.focus();
    this._name.select();
  }

  private _addForm(): HTMLElement {
    const { trans, notify } = this._context;
    this._name.setAttribute('aria-label', trans('Name of the new layer'));
    const add = () => {
      const name = this._name.value.trim();
      if (!NAME.test(name)) {
        notify(
          trans('A name has up to 64 letters, digits, blanks, _ or -.'),
          'alert'
        );
      } else if (this._layers.some(layer => layer.name === name)) {
        notify(trans('There is a layer %1 already.', name), 'alert');
      } else {
        this._form.hidden = true;
        void this.choose(name);
      }
    };
    this._name.addEventListener('keydown', event => {
      event.stopPropagation();
      if (event.key === 'Enter') {
        event.preventDefault();
        add();
      } else if (event.key === 'Escape') {
        this._form.hidden = true;
      }
    });
    const button = textButton(trans('Add'), trans('Add the layer'), add);
    const form = element('div', { className: 'medlab-Layers-form' }, [
      this._name,
      button
    ]);
    form.hidden = true;
    return form;
  }

  private readonly _list: RovingList<ILayerSummary>;
  private readonly _form: HTMLElement;
  private readonly _name = element('input', {
    className: 'medlab-Segments-search',
    attributes: { type: 'text', maxlength: '64', spellcheck: 'false' }
  });
  private readonly _state = element('span', {
    className: 'medlab-Segments-summary',
    attributes: { role: 'status' }
  });
  private readonly _stop: (() => void)[];
  private _layers: readonly ILayerSummary[] = [];
  private _shown = '';
  private _isBusy = false;
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

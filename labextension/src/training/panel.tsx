import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { ReactElement } from 'react';

import type { IRun } from '../server/types';
import { trainingIcon } from '../ui/icons';
import type { RunCatalog } from './catalog';
import { RunDetail } from './detail';
import { distinctNames } from './differences';
import { RunList } from './list';
import { isEnded, RunTail } from './tail';

/** Right sidebar: every training below the Jupyter root, live and past. */
export class TrainingSidebar extends ReactWidget {
  constructor(
    private readonly _catalog: RunCatalog,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.id = 'medlab-training-sidebar';
    this.addClass('medlab-TrainingSidebar');
    this.title.icon = trainingIcon;
    this.title.caption = _trans.__('Training progress');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Training progress'));
    _catalog.changed.connect(this._follow, this);
  }

  /** Shows the loss over a logarithmic axis. */
  get isLog(): boolean {
    return this._isLog;
  }

  set isLog(isLog: boolean) {
    this._isLog = isLog;
    this.update();
  }

  /** Shows this run until the reader chooses another. */
  select(run: string): void {
    this._chosen = run;
    this._follow();
  }

  override dispose(): void {
    this._tails.forEach(tail => tail.pause());
    this._tails.clear();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._isWatching = true;
    this._catalog.watch();
    this._follow();
  }

  protected override onBeforeHide(message: Message): void {
    this._rest();
    super.onBeforeHide(message);
  }

  protected override onBeforeDetach(message: Message): void {
    this._rest();
    super.onBeforeDetach(message);
  }

  protected override render(): ReactElement {
    return (
      <UseSignal signal={this._catalog.changed}>
        {() => this._content()}
      </UseSignal>
    );
  }

  private get _selected(): IRun | null {
    const { runs } = this._catalog;
    return (
      runs.find(run => run.id === this._chosen) ??
      runs.find(run => !isEnded(run.state)) ??
      runs[0] ??
      null
    );
  }

  /** Reads the logs of the runs on show, and of no other. */
  private _follow(): void {
    if (!this._isWatching) {
      return;
    }
    const selected = this._selected?.id;
    const wanted = new Set([
      ...this._compared,
      ...(selected ? [selected] : [])
    ]);
    for (const run of wanted) {
      let tail = this._tails.get(run);
      if (!tail) {
        tail = new RunTail(this._catalog.server, run, () => this.update());
        this._tails.set(run, tail);
      }
      tail.wait_s = run === selected ? 8 : 0;
      tail.follow();
    }
    for (const [run, tail] of this._tails) {
      if (!wanted.has(run)) {
        tail.pause();
      }
    }
    this.update();
  }

  private _rest(): void {
    this._isWatching = false;
    this._catalog.unwatch();
    this._tails.forEach(tail => tail.pause());
  }

  private _content(): ReactElement {
    const trans = this._trans;
    const { runs, isKnown, error } = this._catalog;
    const selected = this._selected;
    return (
      <>
        <div className="medlab-TrainingSidebar-header medlab-Panel-heading">
          <h2>{trans.__('Training')}</h2>
          <span className="medlab-TrainingSidebar-count" role="status">
            {isKnown ? trans._n('%1 run', '%1 runs', runs.length) : ''}
          </span>
        </div>
        {error && (
          <div className="medlab-Problem" role="alert">
            <p>
              <strong>{trans.__('Cannot list the runs.')}</strong>{' '}
              {error.message}
            </p>
            <button
              className="medlab-Button"
              onClick={() =>
                void this._catalog.refresh().catch(() => undefined)
              }
            >
              {trans.__('Try again')}
            </button>
          </div>
        )}
        {!isKnown && !error && (
          <p className="medlab-Panel-quiet" role="status">
            {trans.__('Looking for runs…')}
          </p>
        )}
        {isKnown && runs.length === 0 && <EmptyState trans={trans} />}
        {selected && this._runs(selected)}
      </>
    );
  }

  private _runs(selected: IRun): ReactElement {
    const trans = this._trans;
    const { runs, server } = this._catalog;
    const tail = this._tails.get(selected.id);
    const others = runs.filter(
      run => this._compared.has(run.id) && run.id !== selected.id
    );
    const shown = [selected, ...others];
    const names = distinctNames(shown);
    const compared = shown.flatMap((run, place) => {
      const followed = this._tails.get(run.id);
      return followed ? [{ run, name: names[place], tail: followed }] : [];
    });
    return (
      <>
        <RunList
          runs={runs}
          selected={selected.id}
          compared={this._compared}
          trans={trans}
          onSelect={run => this.select(run.id)}
          onCompare={(run, isCompared) => this._compare(run, isCompared)}
        />
        {tail && (
          <RunDetail
            server={server}
            run={selected}
            tail={tail}
            compared={compared}
            isLog={this._isLog}
            onLog={isLog => {
              this.isLog = isLog;
            }}
            onEndComparison={() => {
              this._compared.clear();
              this._follow();
            }}
            trans={trans}
          />
        )}
      </>
    );
  }

  private _compare(run: IRun, isCompared: boolean): void {
    if (isCompared) {
      this._compared.add(run.id);
    } else {
      this._compared.delete(run.id);
    }
    this._follow();
  }

  private _chosen: string | null = null;
  private readonly _compared = new Set<string>();
  private _isLog = false;
  private _isWatching = false;
  private readonly _tails = new Map<string, RunTail>();
}

const START_EXAMPLE = 'medlab.TrainControls(recipe)';
const TERMINAL_EXAMPLE = 'medlab train recipe.yaml';

function EmptyState(props: { trans: TranslationBundle }): ReactElement {
  const { trans } = props;
  return (
    <div className="medlab-Panel-empty">
      <trainingIcon.react tag="span" width="48px" />
      <h3>{trans.__('No training yet')}</h3>
      <p>
        {trans.__(
          'Every training below this Jupyter root shows up here by itself, with its curves, previews and buttons to pause and stop it.'
        )}
      </p>
      <p>{trans.__('Start one in a notebook:')}</p>
      <code>{START_EXAMPLE}</code>
      <p>{trans.__('or in a terminal:')}</p>
      <code>{TERMINAL_EXAMPLE}</code>
    </div>
  );
}

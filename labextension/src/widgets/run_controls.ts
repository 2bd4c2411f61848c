import base from '../../style/base.css';
import training from '../../style/training.css';
import trainingDetail from '../../style/training-detail.css';
import { type IServer, ServerError } from '../server/connection';
import { serverFromPage } from '../server/page';
import { fetchRun } from '../server/runs';
import type { IRunStatus, RunCommand } from '../server/types';
import { LineChart } from '../training/chart';
import { picturesOf } from '../training/lines';
import { factsOf, isStarving, starvingWords } from '../training/facts';
import { isEnded, RunTail } from '../training/tail';
import {
  alertTitle,
  chartMarks,
  commandWords,
  ENGLISH,
  stateWord
} from '../training/words';
import { CommServer, type ICommModel } from './comm_server';
import { SettingForms } from './setting_forms';

interface IState {
  /** Empty until a training was started. */
  run_id: string;
}

interface IModel extends ICommModel {
  get<K extends keyof IState>(name: K): IState[K];
  on(event: string, listener: (...args: never[]) => void): void;
  off(event: string, listener: (...args: never[]) => void): void;
}

const COMMANDS: readonly RunCommand[] = [
  'pause',
  'resume',
  'stop',
  'checkpoint'
];

/** Shows and steers the run that the model names; the clean-up is returned. */
function render({ model, el }: { model: IModel; el: HTMLElement }): () => void {
  const style = document.createElement('style');
  style.textContent = [base, training, trainingDetail].join('\n');
  const host = document.createElement('div');
  host.className = 'medlab-RunControls';
  fallBack(host);
  el.append(style, host);
  const comm = new CommServer(model);
  let view: RunView | null = null;
  const show = async () => {
    const run = model.get('run_id');
    view?.dispose();
    view = null;
    if (run) {
      const server = await serverThatKnows(run);
      if (run === model.get('run_id')) {
        view = new RunView(host, run, server ?? comm, server ? 8 : 0);
      }
    }
  };
  const onRun = () => void show();
  model.on('change:run_id', onRun);
  onRun();
  return () => {
    model.off('change:run_id', onRun);
    view?.dispose();
    comm.dispose();
    el.replaceChildren();
  };
}

/** The page's own server, unless it has no medlab or no such run below its root. */
async function serverThatKnows(run: string): Promise<IServer | null> {
  const server = serverFromPage();
  if (!server) {
    return null;
  }
  try {
    await fetchRun(server, run);
    return server;
  } catch (error) {
    // A server that is away for a moment comes back; one that says no will not.
    return error instanceof ServerError && error.isOffline ? server : null;
  }
}

/** State, progress, buttons and loss of one run. */
class RunView {
  constructor(host: HTMLElement, run: string, server: IServer, wait_s: number) {
    this._tail = new RunTail(server, run, () => this._draw(), wait_s);
    this.node.className = 'medlab-RunView';
    const head = part('div', 'medlab-RunDetail-head');
    head.append(this._badge, this._facts);
    const progress = part('div', 'medlab-RunProgress');
    this._progress.setAttribute('aria-label', 'Progress of the training');
    progress.append(this._progress, this._hint);
    const row = part('div', 'medlab-RunControls-row');
    for (const cmd of COMMANDS) {
      const button = document.createElement('button');
      button.className = 'medlab-Button';
      button.dataset.command = cmd;
      button.textContent = commandWords(cmd, ENGLISH).label;
      button.addEventListener('click', () => void this._tail.ask(cmd));
      this._buttons.set(cmd, button);
      row.append(button);
    }
    this._said.setAttribute('aria-live', 'polite');
    this._alert.setAttribute('role', 'alert');
    this._alert.append(this._alertName, this._alertText);
    const controls = part('div', 'medlab-RunControls');
    this._settings = new SettingForms(this._tail);
    controls.append(row, this._settings.node, this._said);
    const picture = part('div', 'medlab-RunView-chart');
    picture.style.height = '130px';
    this.node.append(
      head,
      this._alert,
      progress,
      controls,
      this._message,
      picture
    );
    host.append(this.node);
    this._chart = new LineChart(picture, 'loss');
    this._draw();
    // Something may count its seconds.
    this._clock = window.setInterval(() => this._drawFacts(), 1000);
    this._tail.follow();
    this._visible = new IntersectionObserver(([entry]) => {
      // A cell that was scrolled away asks for nothing.
      if (entry.isIntersecting) {
        this._tail.follow();
      } else {
        this._tail.pause();
      }
    });
    this._visible.observe(this.node);
  }

  readonly node = document.createElement('section');

  dispose(): void {
    window.clearInterval(this._clock);
    this._visible.disconnect();
    this._tail.pause();
    this._chart.dispose();
    this.node.remove();
  }

  private get _status(): IRunStatus {
    return this._tail.status ?? { state: 'queued' };
  }

  private _draw(): void {
    const { history, error } = this._tail;
    const status = this._status;
    const total = (status.steps_per_epoch ?? 0) * (status.epochs ?? 0);
    this._badge.className = `medlab-StateBadge medlab-mod-${status.state}`;
    this._badge.textContent = stateWord(status.state, ENGLISH);
    this._progress.max = total || 1;
    this._progress.value = Math.min(status.step ?? 0, total || 1);
    this._drawFacts();
    this._drawAlert(status);
    const message = error?.message || status.message || history.message;
    this._message.textContent =
      message === status.alert?.message ? '' : message;
    this._message.hidden = !this._message.textContent;
    this._drawButtons(status);
    this._settings.draw(status);
    const loss = picturesOf([{ name: '', history }])[0];
    this._chart.setLines(loss?.lines ?? []);
    this._chart.setMarks(chartMarks(history.marks, ENGLISH));
  }

  private _drawFacts(): void {
    const facts = factsOf(this._status, this._tail.inState_s, ENGLISH);
    this._facts.textContent = facts.join(' · ');
    this._hint.hidden = !isStarving(this._status);
    this._hint.textContent = starvingWords(ENGLISH);
  }

  private _drawAlert({ alert }: IRunStatus): void {
    this._alert.hidden = !alert;
    if (alert && this._alertText.textContent !== alert.message) {
      // Written once only: what is written anew is read out anew.
      this._alertName.textContent = alertTitle(alert, ENGLISH);
      this._alertText.textContent = alert.message;
    }
  }

  private _drawButtons(status: IRunStatus): void {
    const { command } = this._tail;
    const isOver = isEnded(status.state);
    const isPaused = status.state === 'paused';
    for (const [cmd, button] of this._buttons) {
      const isWaiting = command?.cmd === cmd && command.state === 'requested';
      button.disabled = isOver || isWaiting || status.state === 'stopping';
      button.hidden =
        (cmd === 'pause' && isPaused) || (cmd === 'resume' && !isPaused);
    }
    this._said.dataset.state = command?.state ?? '';
    const words = command && commandWords(command.cmd, ENGLISH, command.args);
    this._said.textContent =
      command?.state === 'requested'
        ? (words?.requested ?? '')
        : command?.state === 'acknowledged'
          ? (words?.done ?? '')
          : (command?.message ?? '');
  }

  private readonly _alert = part('div', 'medlab-RunAlert');
  private readonly _alertName = document.createElement('strong');
  private readonly _alertText = document.createElement('p');
  private readonly _badge = document.createElement('span');
  private readonly _buttons = new Map<RunCommand, HTMLButtonElement>();
  private readonly _chart: LineChart;
  private readonly _clock: number;
  private readonly _facts = part('span', 'medlab-RunProgress-facts');
  private readonly _hint = part('p', 'medlab-RunProgress-hint');
  private readonly _message = part('p', 'medlab-RunDetail-message');
  private readonly _progress = document.createElement('progress');
  private readonly _said = part('span', 'medlab-RunControls-said');
  private readonly _settings: SettingForms;
  private readonly _tail: RunTail;
  private readonly _visible: IntersectionObserver;
}

function part<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.className = className;
  return element;
}

/** Colours for pages that have none of Jupyter's (VS Code has its own). */
function fallBack(host: HTMLElement): void {
  const page = getComputedStyle(document.documentElement);
  if (page.getPropertyValue('--jp-layout-color1')) {
    return;
  }
  const values: Record<string, string> = {
    'layout-color0': 'var(--vscode-editor-background, #fff)',
    'layout-color1': 'var(--vscode-editor-background, #fff)',
    'layout-color2': 'var(--vscode-toolbar-hoverBackground, #8882)',
    'layout-color3': 'var(--vscode-panel-border, #8884)',
    'ui-font-color1': 'var(--vscode-foreground, #212121)',
    'ui-font-color2': 'var(--vscode-descriptionForeground, #616161)',
    'ui-font-color3': 'var(--vscode-disabledForeground, #9e9e9e)',
    'border-color1': 'var(--vscode-panel-border, #bdbdbd)',
    'border-color2': 'var(--vscode-panel-border, #8884)',
    'brand-color1': 'var(--vscode-button-background, #1976d2)',
    'ui-font-size0': '11px',
    'ui-font-size1': '13px',
    'border-radius': '2px'
  };
  for (const [name, value] of Object.entries(values)) {
    host.style.setProperty(`--jp-${name}`, value);
  }
}

export default { render };

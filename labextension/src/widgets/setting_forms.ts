import type { IRunStatus } from '../server/types';
import {
  baseRate,
  readEpochs,
  readRate,
  type Typed
} from '../training/settings';
import { isEnded, type RunTail } from '../training/tail';
import { formatNumber } from '../ui/format';

/** The settings that may change while a run trains: a field and a button each. */
export class SettingForms {
  constructor(private readonly _tail: RunTail) {
    this.node.className = 'medlab-RunControls-row';
    const ask = (name: string) => (value: number) =>
      void this._tail.ask('set', { [name]: value });
    this._rate = new SettingForm(
      'Learning rate',
      'learning_rate',
      readRate,
      () => 'A number above 0, such as 0.001.',
      ask('learning_rate')
    );
    this._epochs = new SettingForm(
      'Epochs in all',
      'epochs',
      text => readEpochs(text, this._begun),
      () => `A whole number, ${this._begun} or more.`,
      ask('epochs')
    );
    this.node.append(this._rate.node, this._epochs.node);
  }

  readonly node = document.createElement('div');

  draw(status: IRunStatus): void {
    this._begun = Math.max(1, status.epoch ?? 1);
    this.node.hidden = isEnded(status.state) || status.state === 'stopping';
    const rate = baseRate(this._tail.history, this._tail.recipe ?? null);
    this._rate.draw(rate === null ? '' : formatNumber(rate));
    this._epochs.draw(status.epochs ? String(status.epochs) : '');
  }

  private _begun = 1;
  private readonly _epochs: SettingForm;
  private readonly _rate: SettingForm;
}

class SettingForm {
  constructor(
    label: string,
    name: string,
    private readonly _read: (text: string) => Typed,
    private readonly _problem: () => string,
    private readonly _ask: (value: number) => void
  ) {
    this.node.className = 'medlab-Setting';
    this.node.dataset.setting = name;
    const title = document.createElement('label');
    title.textContent = label;
    this._input.className = 'medlab-Input';
    this._input.inputMode = 'decimal';
    this._input.autocomplete = 'off';
    this._input.setAttribute('aria-label', label);
    this._button.className = 'medlab-Button';
    this._button.textContent = 'Set';
    this._button.setAttribute('aria-label', `Set ${label}`);
    this._said.className = 'medlab-Setting-said';
    this._said.setAttribute('role', 'alert');
    this.node.append(title, this._input, this._button, this._said);
    this._input.addEventListener('input', () => this._onInput(true));
    this._input.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        this._onInput(false);
      }
    });
    this.node.addEventListener('submit', event => {
      event.preventDefault();
      this._send();
    });
    this._onInput(false);
  }

  readonly node = document.createElement('form');

  /** Shows what holds now, unless somebody is typing. */
  draw(now: string): void {
    this._now = now;
    if (!this._isTyped) {
      this._input.value = now;
    }
  }

  private _onInput(isTyped: boolean): void {
    this._isTyped = isTyped;
    this._button.disabled = !isTyped;
    this._say('');
    this.draw(this._now);
  }

  private _send(): void {
    const found = this._read(this._input.value);
    if ('problem' in found) {
      this._say(this._problem());
    } else {
      this._onInput(false);
      this._ask(found.value);
    }
  }

  private _say(problem: string): void {
    this._said.textContent = problem;
    this._said.hidden = !problem;
    this._input.setAttribute('aria-invalid', String(problem !== ''));
  }

  private readonly _button = document.createElement('button');
  private readonly _input = document.createElement('input');
  private _isTyped = false;
  private _now = '';
  private readonly _said = document.createElement('span');
}

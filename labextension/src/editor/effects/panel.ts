import { fetchRuns } from '../../server/runs';
import type { IRun, ISegment } from '../../server/types';

import { iconButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';
import { Emitter } from '../emitter';
import { icon } from '../icons';
import type { IEffectCommands } from '../input/actions';

import { AcceptBar, type Primary, type Secondary } from './accept_bar';
import { barContent } from './bar_words';
import { EffectButtons } from './effect_buttons';
import { EffectForm } from './form';
import type { Values } from './fields';
import { LivePreview, type IWish } from './live_preview';
import { type IEffectPlace, Missing } from './place';
import { type IProposal, isSketch } from './proposal';
import { effectNamed, type IEffect } from './registry';
import { SeedField } from './seed_field';
import { SegmentChoice } from './segment_choice';
import { TargetLine } from './target_line';

/**
 * The section of the effects: choose one, set it, see what it would do, apply it.
 *
 * The preview follows the fields, the chosen segment, the seed and the slice by itself.
 */
export class EffectPanel implements IEffectCommands {
  constructor(private readonly _context: IEditorContext) {
    const { trans, scene, settings } = _context;
    this._live = new LivePreview(_context);
    this._seed = new SeedField(_context, () => this._ask());
    this._segments = new SegmentChoice(trans, (segment, isWanted) =>
      this._live.choose(segment, isWanted)
    );
    this._bar = new AcceptBar(trans, button => this._pressBar(button));
    _context.planes.node.append(this._bar.node);
    this._target = new TargetLine(_context);
    this._buttons = new EffectButtons(_context, id => this.start(id));
    this._open.append(
      this._heading,
      this._help,
      this._target.node,
      this._fields,
      this._seed.node,
      this._segments.node
    );
    this._open.addEventListener('keydown', event => this._press(event));
    this.node.append(this._buttons.node, this._open);
    this._open.hidden = true;
    this._stop = [
      this._live.changed.connect(() => this._show()),
      this._live.accepted.connect(() => this._finish()),
      settings.changed.connect(() => this._followSettings()),
      scene.labels.changed.connect(({ segments }) => {
        if (segments) {
          this._form?.refresh();
          this._target.show(!this._effect?.isForAll);
        }
      }),
      scene.crosshairChanged.connect(() => this._followSlice())
    ];
  }

  readonly node = element('div', { className: 'medlab-Effects' });
  /** Another effect is open, or none. */
  readonly changed = new Emitter<void>();

  get current(): string | null {
    return this._effect?.id ?? null;
  }

  /** Opens an effect; the same one again closes it. */
  start(id: string): void {
    const effect = effectNamed(id);
    if (!effect || !this._context.isReady()) {
      return;
    }
    if (this._effect === effect) {
      this._close();
      return;
    }
    this._leave();
    this._effect = effect;
    this._values = this._remembered.get(id) ?? null;
    this._build(effect);
    this._context.showSection('effect');
    this._context.announce(this._context.trans(effect.words));
    this._ask();
    this._form?.focus();
  }

  accept(): boolean {
    if (this._mayAsk) {
      this._ask(true);
      return true;
    }
    return this._live.accept();
  }

  drop(): boolean {
    if (!this._effect) {
      return false;
    }
    this._close();
    return true;
  }

  dispose(): void {
    this.changed.clear();
    this._leave();
    this._stop.forEach(stop => stop());
    this._live.dispose();
    this._bar.dispose();
  }

  /** Builds the form of an effect. */
  private _build(effect: IEffect): void {
    const { trans } = this._context;
    const close = iconButton('close', trans('Close (Escape)'), () =>
      this._close()
    );
    close.dataset.action = 'close-effect';
    this._heading.replaceChildren(
      icon(effect.icon),
      element('span', { text: trans(effect.words) }),
      close
    );
    this._open.setAttribute('aria-label', trans(effect.words));
    this._help.textContent = trans(effect.help);
    this._form = new EffectForm(
      effect.fields(this._place),
      this._values,
      {
        trans,
        others: () => this._others(),
        runs: () => this._runs
      },
      () => this._ask()
    );
    this._fields.replaceChildren(this._form.node);
    this._open.hidden = false;
    this._slice = this._sliceNow;
    this._settings = this._settingsNow;
    this._target.show(!this._effect?.isForAll);
    if (effect.isHeavy) {
      void this._findRuns();
    }
    this._buttons.mark(effect.id);
    this.changed.emit();
  }

  /** Asks for the preview that the form describes, or says what is missing. */
  private _ask(isTold = false): void {
    const effect = this._effect;
    const form = this._form;
    if (!effect || !form) {
      return;
    }
    const { values } = form;
    this._remembered.set(effect.id, values);
    const needsSeed = effect.needsSeed?.(values) ?? false;
    this._seed.listen(needsSeed);
    this._missing = '';
    const wish = form.isValid ? this._wish(effect, values) : null;
    if (wish instanceof Missing) {
      this._missing = this._context.trans(wish.sentence);
    }
    this._waitsToBeAsked = !!effect.isHeavy && !isTold && form.isValid;
    if (!wish || wish instanceof Missing || this._waitsToBeAsked) {
      this._live.drop();
      this._show();
    } else {
      this._live.want(wish);
    }
  }

  private _wish(effect: IEffect, values: Values): IWish | Missing {
    const place = this._place;
    if (this._context.scene.labels.segments.length === 0 && !effect.isHeavy) {
      return new Missing('Add a segment first.');
    }
    const { tool, make, isHeavy } = effect;
    if (make) {
      const made = make(place, values);
      return made instanceof Missing
        ? made
        : { tool, params: {}, make: () => proposalOf(make(place, values)) };
    }
    const request = effect.request(place, values);
    const { overwrites } = this._context.settings.values;
    return request instanceof Missing
      ? request
      : {
          ...{ tool, isHeavy },
          params: { ...request, overwrites },
          sketch: effect.sketch?.(place, values)
        };
  }

  private _show(): void {
    const { state } = this._live;
    const isAsking = state.kind === 'asking';
    const { planes, scene, trans } = this._context;
    const isPale = isAsking && !!scene.proposal && !isSketch(scene.proposal);
    planes.node.classList.toggle('medlab-mod-asking', isPale);
    this._showSegments();
    if (isAsking) {
      this._bar.wait(state.progress, state.message);
      return;
    }
    const content = this._effect
      ? barContent(state, {
          ...{ trans, segments: this._known, missing: this._missing },
          waitsToBeAsked: this._waitsToBeAsked
        })
      : null;
    if (content) {
      this._bar.show(content);
    } else {
      this._bar.hide();
    }
    this._mayAsk = content?.primary === 'preview';
  }

  /** The segments of the preview, to take or to leave one by one. */
  private _showSegments(): void {
    const { state, whole, unwanted } = this._live;
    if (state.kind !== 'shown' && unwanted.size === 0) {
      this._segments.show([]);
      return;
    }
    const known = this._known;
    const added = new Set((whole?.newSegments ?? []).map(({ id }) => id));
    const gained =
      state.kind === 'shown' ? state.count.gained : new Map<number, number>();
    const ids = new Set([...gained.keys(), ...unwanted, ...added]);
    const proposed = known.filter(({ id }) => ids.has(id));
    this._segments.show(
      proposed.map(segment => ({
        segment,
        gained: gained.get(segment.id) ?? 0,
        isNew: added.has(segment.id),
        isWanted: !unwanted.has(segment.id)
      }))
    );
  }

  /** Another segment was chosen, or other voxels may be painted over. */
  private _followSettings(): void {
    const now = this._settingsNow;
    if (this._effect && now !== this._settings) {
      this._settings = now;
      this._form?.refresh();
      this._target.show(!this._effect?.isForAll);
      this._ask();
    }
  }

  private _followSlice(): void {
    const now = this._sliceNow;
    if (now !== this._slice) {
      this._slice = now;
      if (this._effect?.followsSlice?.(this._form?.values ?? {})) {
        this._ask();
      }
    }
  }

  /** A preview was done. */
  private _finish(): void {
    const { trans, notify } = this._context;
    const effect = this._effect;
    if (effect) {
      notify(trans('%1: applied.', trans(effect.words)));
      if (effect.staysOpen) {
        this._seed.forget();
        if (effect.needsSeed?.(this._form?.values ?? {})) {
          this._ask();
        }
      } else {
        this._close();
      }
    }
  }

  private _pressBar(button: Primary | Secondary): void {
    if (button === 'apply' || button === 'preview') {
      this.accept();
    } else if (button === 'cancel') {
      this._waitsToBeAsked = true;
      this._live.drop();
    } else {
      this._close();
    }
  }

  private _close(): void {
    const { activeElement } = document;
    const hadFocus =
      this.node.contains(activeElement) ||
      this._bar.node.contains(activeElement);
    this._leave();
    if (hadFocus) {
      this._context.planes.focused.node.focus();
    }
  }

  private _leave(): void {
    if (!this._effect) {
      return;
    }
    this._effect = null;
    this._form = null;
    this._missing = '';
    this._mayAsk = false;
    this._waitsToBeAsked = false;
    this._seed.forget();
    this._seed.listen(false);
    this._live.drop();
    this._bar.hide();
    this._open.hidden = true;
    this._buttons.mark(null);
    this.changed.emit();
  }

  /** Enter does it, Escape drops it, wherever in the form the focus is. */
  private _press(event: KeyboardEvent): void {
    const isButton = event.target instanceof HTMLButtonElement;
    if (event.key === 'Enter' && !isButton && this.accept()) {
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      this._close();
    }
  }

  private async _findRuns(): Promise<void> {
    const { server, signal } = this._context;
    try {
      const runs = await fetchRuns(server, signal);
      this._runs = runs
        .filter(({ state }) => state === 'finished' || state === 'stopped')
        .sort((a, b) => b.created - a.created);
    } catch {
      // The form says that there is none to choose from.
      this._runs = [];
    }
    this._form?.refresh();
    this._ask();
  }

  private _others(): ISegment[] {
    const { scene, settings } = this._context;
    const { segment } = settings.values;
    return scene.labels.segments.filter(({ id }) => id !== segment);
  }

  /** The segments of the layer, and those the preview would add. */
  private get _known(): ISegment[] {
    const { segments } = this._context.scene.labels;
    return [...segments, ...(this._live.whole?.newSegments ?? [])];
  }

  private get _place(): IEffectPlace {
    return { context: this._context, seed: this._seed.value };
  }

  private get _settingsNow(): string {
    const { segment, overwrites } = this._context.settings.values;
    return `${segment} ${overwrites}`;
  }

  private get _sliceNow(): string {
    const { plane, index } = this._context.planes.focused;
    return `${plane} ${index}`;
  }

  private readonly _live: LivePreview;
  private readonly _seed: SeedField;
  private readonly _segments: SegmentChoice;
  private readonly _bar: AcceptBar;
  private readonly _target: TargetLine;
  private readonly _buttons: EffectButtons;
  private readonly _remembered = new Map<string, Values>();
  private readonly _stop: (() => void)[];
  private readonly _open = element('div', {
    className: 'medlab-Effect',
    attributes: { role: 'group' }
  });
  private readonly _heading = element('div', {
    className: 'medlab-Effect-heading'
  });
  private readonly _help = element('p', { className: 'medlab-Effect-help' });
  private readonly _fields = element('div');
  private _effect: IEffect | null = null;
  private _form: EffectForm | null = null;
  private _values: Values | null = null;
  private _runs: readonly IRun[] | null = null;
  private _missing = '';
  /** It takes long, or was cancelled: no preview comes by itself. */
  private _waitsToBeAsked = false;
  /** Enter asks for a preview. */
  private _mayAsk = false;
  private _slice = '';
  private _settings = '';
}

function proposalOf(made: IProposal | Missing): IProposal | null {
  return made instanceof Missing ? null : made;
}

import type { ISegment, SegmentState } from '../../server/types';

import { iconButton, press } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';

import { CodeField } from './code_field';
import type { SegmentCommands } from './segment_commands';
import type { SegmentEdits } from './segment_edits';
import { STATES } from './segment_state';

/** The chosen segment: go to it, show it alone, its state, opacity, outline and code. */
export class SegmentDetails {
  /** @param rename - opens the name of a row for typing */
  constructor(
    private readonly _context: IEditorContext,
    private readonly _edits: SegmentEdits,
    private readonly _commands: SegmentCommands,
    private readonly _rename: (id: number) => void
  ) {
    const { trans, scene, settings, hasTools } = _context;
    this._outline = iconButton(
      'outline',
      trans('Outline of this segment'),
      () => _edits.change(this._id, { outlined: !this._segment?.outlined })
    );
    this._only = iconButton('only', trans('Show only this segment'), () =>
      _edits.showOnly(this._id)
    );
    this._code = new CodeField(trans, code =>
      _edits.change(this._id, { code })
    );
    this.node.append(this._buttons());
    if (hasTools) {
      this.node.append(this._stateField(), this._inkField(), this._code.node);
    }
    this._stop = [
      scene.labels.changed.connect(change => change.segments && this.update()),
      settings.changed.connect(({ segment }) => {
        if (segment !== this._shownId) {
          this.update();
        }
      })
    ];
    this.update();
  }

  readonly node = element('div', { className: 'medlab-SegmentDetails' });

  update(): void {
    const segment = this._segment;
    this.node.hidden = !segment;
    this._shownId = this._id;
    if (!segment) {
      return;
    }
    this.node.setAttribute(
      'aria-label',
      this._context.trans('Segment %1', segment.name)
    );
    this._state.value = segment.state;
    if (document.activeElement !== this._opacity || !this._isSliding) {
      this._opacity.value = String(segment.opacity);
    }
    this._percent.textContent = `${segment.opacity} %`;
    press(this._outline, segment.outlined);
    press(this._only, this._edits.isAlone(segment.id));
    this._code.show(segment.code, segment.name);
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
  }

  private _buttons(): HTMLElement {
    const { trans, hasTools } = this._context;
    const button = (...args: Parameters<typeof iconButton>) =>
      iconButton(args[0], trans(args[1]), args[2]);
    const look = [
      button('left', 'Previous slice with this segment', () =>
        this._commands.goToSlice(-1)
      ),
      button('crosshair', 'Go to the middle of this segment', () =>
        this._commands.goToMiddle()
      ),
      button('right', 'Next slice with this segment', () =>
        this._commands.goToSlice(1)
      ),
      this._only
    ];
    const change = [
      button('up', 'Move up (Alt+Up)', () => this._edits.moveBy(this._id, -1)),
      button('down', 'Move down (Alt+Down)', () =>
        this._edits.moveBy(this._id, 1)
      ),
      button('pen', 'Rename (F2)', () => this._rename(this._id)),
      button('trash', 'Remove segment and its voxels (Delete)', () =>
        this._edits.remove(this._id)
      )
    ];
    return element(
      'div',
      { className: 'medlab-SegmentDetails-buttons' },
      hasTools ? [...look, ...change] : look
    );
  }

  private _stateField(): HTMLElement {
    const { trans } = this._context;
    this._state.setAttribute('aria-label', trans('State of this segment'));
    this._state.append(
      ...STATES.map(({ state, words }) => new Option(trans(words), state))
    );
    this._state.addEventListener('change', () =>
      this._edits.change(this._id, { state: this._state.value as SegmentState })
    );
    return field(trans('State'), this._state);
  }

  private _inkField(): HTMLElement {
    const { trans } = this._context;
    const label = trans('Opacity of this segment');
    this._opacity.setAttribute('aria-label', label);
    this._opacity.addEventListener('input', () => this._preview());
    this._opacity.addEventListener('change', () => this._keepOpacity());
    return field(trans('Opacity'), this._opacity, this._percent, this._outline);
  }

  /** Shows an opacity while the slider moves; it becomes an edit once it is let go. */
  private _preview(): void {
    const segment = this._segment;
    if (segment) {
      this._before ??= segment.opacity;
      this._isSliding = true;
      this._setOpacity(this._opacity.valueAsNumber);
    }
  }

  private _keepOpacity(): void {
    const opacity = this._opacity.valueAsNumber;
    this._isSliding = false;
    if (this._before !== null) {
      this._setOpacity(this._before);
      this._before = null;
    }
    this._edits.change(this._id, { opacity });
  }

  private _setOpacity(opacity: number): void {
    const { labels } = this._context.scene;
    labels.setSegments(
      labels.segments.map(segment =>
        segment.id === this._id ? { ...segment, opacity } : segment
      )
    );
  }

  private get _id(): number {
    return this._context.settings.values.segment;
  }

  private get _segment(): ISegment | undefined {
    return this._edits.segments.find(({ id }) => id === this._id);
  }

  private readonly _code: CodeField;
  private readonly _state = element('select', {
    className: 'medlab-Toolbar-select'
  });
  private readonly _opacity = element('input', {
    className: 'medlab-Toolbar-slider',
    attributes: { type: 'range', min: '0', max: '100', step: '5' }
  });
  private readonly _percent = element('span', {
    className: 'medlab-SegmentDetails-value'
  });
  private readonly _outline: HTMLButtonElement;
  private readonly _only: HTMLButtonElement;
  private readonly _stop: (() => void)[];
  private _shownId = 0;
  private _before: number | null = null;
  private _isSliding = false;
}

function field(label: string, ...controls: HTMLElement[]): HTMLElement {
  return element('label', { className: 'medlab-SegmentDetails-field' }, [
    element('span', { text: label }),
    ...controls
  ]);
}

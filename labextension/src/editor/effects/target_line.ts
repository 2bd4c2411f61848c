import type { IEditorContext } from '../context';
import { element } from '../dom';

/** Which segment an effect works on, and why it may not. */
export class TargetLine {
  constructor(private readonly _context: IEditorContext) {
    this.node.append(
      element('span', { text: _context.trans('Segment') }),
      this._swatch,
      this._name,
      this._warning
    );
  }

  readonly node = element('div', { className: 'medlab-Effect-target' });

  /** @param isMeant - the effect works on the segment that is chosen */
  show(isMeant: boolean): void {
    const { trans, scene, settings } = this._context;
    const segment = scene.labels.segment(settings.values.segment);
    this.node.hidden = !segment || !isMeant;
    if (!segment) {
      return;
    }
    const { name, color, locked, visible } = segment;
    this._swatch.style.background = color;
    this._name.textContent = name;
    this._name.title = name;
    const hidden = visible ? '' : trans('hidden: show it first');
    this._warning.textContent = locked
      ? trans('locked: unlock it first')
      : hidden;
  }

  private readonly _swatch = element('span', {
    className: 'medlab-Effect-swatch'
  });
  private readonly _name = element('span', { className: 'medlab-Effect-name' });
  private readonly _warning = element('span', {
    className: 'medlab-Effect-warning'
  });
}

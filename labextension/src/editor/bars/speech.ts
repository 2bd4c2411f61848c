import type { IEditorContext } from '../context';
import { TOOLS } from '../tools/registry';
import type { Announcer } from './announcer';

/** Says aloud what changes: the slice, the segment, the tool. */
export class Speech {
  constructor(
    private readonly _context: IEditorContext,
    private readonly _announcer: Announcer
  ) {
    const { scene, settings, planes } = _context;
    this._stop = [
      scene.crosshairChanged.connect(() =>
        _announcer.say('slice', planes.focused.inWords)
      ),
      scene.labels.changed.connect(({ segments }) => {
        if (segments) {
          this._saySegment();
        }
      }),
      settings.changed.connect(() => {
        this._saySegment();
        _announcer.say('tool', this._tool());
      })
    ];
    for (const view of planes.views) {
      // On entering a plane its name is read anyway.
      view.node.addEventListener('focus', () =>
        _announcer.know('slice', view.inWords)
      );
    }
    _announcer.know('tool', this._tool());
    _announcer.know('segment', this._segment());
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
  }

  private _saySegment(): void {
    this._announcer.say('segment', this._segment());
  }

  private _segment(): string {
    const { scene, settings, trans } = this._context;
    const segment = scene.labels.segment(settings.values.segment);
    if (!segment || !this._context.hasTools) {
      return '';
    }
    const words = [trans('Segment %1', segment.name)];
    if (segment.locked) {
      words.push(trans('locked'));
    }
    if (!segment.visible) {
      words.push(trans('hidden'));
    }
    return `${words.join(', ')}.`;
  }

  private _tool(): string {
    const { settings, trans } = this._context;
    const { tool } = settings.values;
    const words = TOOLS.find(each => each.tool === tool)?.words ?? tool;
    return trans('Tool: %1.', trans(words));
  }

  private readonly _stop: (() => void)[];
}

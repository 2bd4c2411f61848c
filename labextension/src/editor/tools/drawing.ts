import type { Box } from '../../server/voxels';

import type { IEditorContext } from '../context';
import { isEmpty } from '../labels/box';
import { Stroke } from '../labels/stroke';
import { Ink } from './ink';
import type { DrawTool } from './registry';

/** What the tools need of an editor. */
export interface IToolContext extends Pick<
  IEditorContext,
  'scene' | 'settings' | 'color' | 'trans' | 'notify'
> {
  readonly session: Pick<
    IEditorContext['session'],
    'hold' | 'release' | 'commitLater'
  >;
}

/**
 * One edit in the making: between its beginning and its end a tool paints with its `ink`.
 *
 * Others' edits wait until it ends or is cancelled.
 */
export class Drawing {
  /**
   * @returns null, and tells the reader why, when the chosen segment may not be drawn
   */
  static begin(context: IToolContext, tool: DrawTool): Drawing | null {
    const { scene, settings, notify, trans } = context;
    const { segment, overwrites } = settings.values;
    const chosen = scene.labels.segment(segment);
    if (tool !== 'eraser' && !scene.labels.isOpen(segment, overwrites)) {
      notify(
        chosen?.locked
          ? trans('This segment is locked: unlock it to draw.')
          : trans('This segment is hidden: show it to draw.'),
        'alert'
      );
      return null;
    }
    notify('');
    return new Drawing(context, tool);
  }

  private constructor(
    private readonly _context: IToolContext,
    tool: DrawTool
  ) {
    const { scene, session, settings } = _context;
    // What is still being made of the last stroke is handed over first.
    session.hold(() => this._stroke.finish());
    this._stroke = new Stroke(scene.labels, tool, settings.values.segment);
    this.ink = inkFor(_context, tool, this._stroke);
  }

  readonly ink: Ink;

  /** These voxels were painted. */
  tell(box: Box): void {
    if (!isEmpty(box)) {
      this._context.scene.labels.changed.emit({ box, segments: false });
    }
  }

  /** Makes one step of the history of what was painted. */
  end(): void {
    this._context.session.commitLater(this._stroke.coding());
  }

  /** Puts everything back. */
  cancel(): void {
    this._stroke.cancel();
    this._context.session.release();
  }

  private readonly _stroke: Stroke;
}

/** The ink of a tool as the settings are now: which label, over what, in which range. */
export function inkFor(
  { scene, settings }: Pick<IToolContext, 'scene' | 'settings'>,
  tool: DrawTool,
  stroke: Stroke
): Ink {
  const { labels, volume } = scene;
  const { segment, overwrites, isRangeMasked, low, high } = settings.values;
  const erases = tool === 'eraser';
  const isRanged =
    (isRangeMasked || tool === 'threshold') && volume.info.channels === 1;
  return new Ink(
    labels,
    stroke,
    erases ? 0 : segment,
    labels.writable({ overwrites, segment, erases }),
    isRanged ? { voxels: volume.data, low, high } : null
  );
}

/** Paints once, as one step of the history. */
export function drawOnce(
  context: IToolContext,
  tool: DrawTool,
  paint: (ink: Ink) => Box
): void {
  const drawing = Drawing.begin(context, tool);
  if (drawing) {
    drawing.tell(paint(drawing.ink));
    drawing.end();
  }
}

import type { IDrag, ITool, IToolView, Point } from '../tools/tool';

import { hold } from './hold';
import { changed, insideOf } from './mark';
import type { MarkBoard } from './mark_board';

/** A press sets a point; it can be taken along until it is let go. */
export class PointTool implements ITool {
  constructor(private readonly _board: MarkBoard) {}

  begin(view: IToolView, at: Point): IDrag | null {
    const board = this._board;
    const held = hold(board, view, at);
    if (held) {
      return held;
    }
    const { shape } = board.context.scene.volume.info;
    const place = (x: number, y: number) => insideOf(shape, view.ijkAt(x, y));
    const mark = board.make('point', 'Point', {
      segment: chosenSegment(board),
      points: [place(...at)]
    });
    board.show(mark);
    return {
      move: (x, y) => board.show(changed(mark, { points: [place(x, y)] })),
      end: () => board.keep(),
      cancel: () => board.show(null)
    };
  }

  cancel(): void {
    this._board.select(null);
  }
}

/** What a point or a box is of; null when there are no segments. */
export function chosenSegment({ context }: MarkBoard): number | null {
  return (
    context.scene.labels.segment(context.settings.values.segment)?.id ?? null
  );
}

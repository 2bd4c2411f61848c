import type { Triple } from '../../server/types';

import { type ISliceGeometry, pixelOf } from '../view/geometry';
import type { ICursor } from '../view/overlay';
import { paintBalls, paintDiscs } from './brush';
import { Drawing, type IToolContext } from './drawing';
import type { DrawTool } from './registry';
import type { IDrag, ITool, IToolView, Point } from './tool';

interface IBrushContext extends IToolContext {
  readonly planes: { readonly views: readonly IToolView[] };
}

/** Paints, or takes away, with a disc in one slice or a ball through all. */
export class BrushTool implements ITool {
  constructor(
    private readonly _context: IBrushContext,
    private readonly _tool: 'brush' | 'eraser' | 'threshold'
  ) {}

  begin(view: IToolView, at: Point): IDrag | null {
    const drawing = Drawing.begin(this._context, this._tool);
    if (!drawing) {
      return null;
    }
    const { settings, scene } = this._context;
    const { radius_mm, isBall } = settings.values;
    const spacing = scene.volume.info.spacing_mm;
    const { ink } = drawing;
    let last: Triple | null = null;
    const move = (x: number, y: number) => {
      const to = view.ijkAt(x, y);
      drawing.tell(
        isBall
          ? paintBalls(ink, last ?? to, to, radius_mm, spacing, !!last)
          : paintDiscs(
              ink,
              last ?? to,
              to,
              radius_mm,
              spacing,
              view.slice.w,
              !!last
            )
      );
      last = to;
    };
    move(...at);
    return {
      move,
      end: () => drawing.end(),
      cancel: () => drawing.cancel()
    };
  }

  hover(view: IToolView, at: Point | null): void {
    const { planes, settings, scene, color } = this._context;
    const { radius_mm, isBall } = settings.values;
    const spacing = scene.volume.info.spacing_mm;
    const centre = at && view.ijkAt(...at);
    const normal = isBall ? null : view.slice.w;
    for (const other of planes.views) {
      const section =
        centre && sectionOf(other, centre, radius_mm, spacing, normal);
      other.showCursor(
        section && { ...section, color, erases: this._tool === ERASER }
      );
    }
  }

  cancel(): void {
    this._context.planes.views.forEach(view => view.showCursor(null));
  }
}

const ERASER: DrawTool = 'eraser';

/**
 * What a plane's slice cuts out of the brush.
 *
 * @param normal - axis across the disc; null for a ball
 * @returns null when the slice misses it
 */
export function sectionOf(
  { slice, index }: { slice: ISliceGeometry; index: number },
  centre: Triple,
  radius_mm: number,
  spacing: Triple,
  normal: number | null
): Pick<ICursor, 'shape' | 'at' | 'half_mm'> | null {
  const at = pixelOf(slice, centre);
  const away_mm = Math.abs(index - centre[slice.w]) * spacing[slice.w];
  const square = radius_mm ** 2 - away_mm ** 2;
  if (slice.w === normal) {
    return index === Math.round(centre[normal])
      ? { shape: 'round', at, half_mm: [radius_mm, radius_mm] }
      : null;
  }
  if (square < 0) {
    return null;
  }
  const half = Math.sqrt(square);
  if (normal === null) {
    return { shape: 'round', at, half_mm: [half, half] };
  }
  const thin = spacing[normal] / 2;
  const half_mm = slice.u === normal ? [thin, half] : [half, thin];
  return { shape: 'bar', at, half_mm: half_mm as [number, number] };
}

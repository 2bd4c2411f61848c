import type { IEditorContext } from '../context';
import { CrosshairTool } from '../tools/crosshair_tool';
import type { MarkTool } from '../tools/registry';
import type { ITool } from '../tools/tool';

import { HoldTool } from './hold';
import { boardOf } from './mark_board';
import { PathTool } from './path_tool';
import { PointTool } from './point_tool';
import { ShapeTool } from './shape_tool';

/**
 * The tools whose results are marks. The crosshair is here as well: it takes hold of a
 * mark under it, and else is what it was.
 */
export function markTools(
  context: IEditorContext
): Record<MarkTool | 'crosshair', ITool> {
  const board = boardOf(context);
  const crosshair = new CrosshairTool(context.scene);
  return {
    crosshair: new HoldTool(board, crosshair),
    point: new PointTool(board),
    line: new PathTool(board, 'line'),
    angle: new PathTool(board, 'angle'),
    'box-2d': new ShapeTool(board, 'box-2d'),
    'box-3d': new ShapeTool(board, 'box-3d'),
    roi: new ShapeTool(board, 'roi')
  };
}

import type { IconName } from '../icons';

/** Every tool there is, in the order of the toolbar. A tool is added here and in `ToolBox`. */

export type ToolGroup =
  'move' | 'paint' | 'outline' | 'grow' | 'mark' | 'measure';

/** Tools whose results are marks, not labels. */
export type MarkTool = 'point' | 'box-2d' | 'box-3d' | 'line' | 'angle' | 'roi';

/** Tools that draw labels. */
export type DrawTool =
  | 'brush'
  | 'eraser'
  | 'threshold'
  | 'polygon'
  | 'lasso'
  | 'rectangle'
  | 'ellipse'
  | 'livewire'
  | 'fill'
  | 'grow';

export type Tool = 'crosshair' | DrawTool | MarkTool;

export interface IToolChoice {
  readonly tool: Tool;
  readonly icon: IconName;
  /** What it is called, before translation. */
  readonly words: string;
  /** `b`, or `Shift+K`; the settings may name another. */
  readonly key: string;
  readonly group: ToolGroup;
}

function choice(
  group: ToolGroup,
  tool: Tool,
  words: string,
  key: string,
  icon: IconName
): IToolChoice {
  return { group, tool, words, key, icon };
}

export const TOOLS: readonly IToolChoice[] = [
  choice('move', 'crosshair', 'Crosshair', 'c', 'crosshair'),
  choice('paint', 'brush', 'Brush', 'b', 'brush'),
  choice('paint', 'eraser', 'Eraser', 'e', 'eraser'),
  choice('paint', 'threshold', 'Threshold brush', 't', 'threshold'),
  choice('outline', 'polygon', 'Polygon', 'p', 'polygon'),
  choice('outline', 'lasso', 'Lasso', 'l', 'lasso'),
  choice('outline', 'rectangle', 'Rectangle', 'r', 'rectangle'),
  choice('outline', 'ellipse', 'Ellipse', 'i', 'ellipse'),
  choice('outline', 'livewire', 'Livewire along edges', 'w', 'livewire'),
  choice('grow', 'fill', 'Fill', 'f', 'fill'),
  choice('grow', 'grow', 'Region grow', 'g', 'grow'),
  choice('mark', 'point', 'Point', 'q', 'point'),
  choice('mark', 'box-2d', '2D box', 'k', 'box2d'),
  choice('mark', 'box-3d', '3D box', 'Shift+K', 'box3d'),
  choice('measure', 'line', 'Length', 'd', 'line'),
  choice('measure', 'angle', 'Angle', 'a', 'angle'),
  choice('measure', 'roi', 'Region statistics', 'v', 'roi')
];

const MARK_TOOLS: readonly Tool[] = TOOLS.filter(
  ({ group }) => group === 'mark' || group === 'measure'
).map(({ tool }) => tool);

export function isMarkTool(tool: Tool): tool is MarkTool {
  return MARK_TOOLS.includes(tool);
}

export function isDrawTool(tool: Tool): tool is DrawTool {
  return tool !== 'crosshair' && !isMarkTool(tool);
}

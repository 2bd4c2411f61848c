import type { IEdgeCosts } from './edge_costs';
import type { Point } from './tool';

/** Corner of a pixel: whole numbers, (0, 0) is the upper left corner of pixel (0, 0). */
export type Corner = Point;

/** Steps in a row with no edge that are drawn straight instead. */
const LOST = 3;
/** Part of the dearest cost from which on a step follows no edge. */
const NO_EDGE = 0.9;

/** The corner of a pixel nearest to a slice pixel, inside the slice. */
export function cornerAt({ columns, rows }: IEdgeCosts, [x, y]: Point): Corner {
  return [
    Math.min(columns - 1, Math.max(0, Math.round(x + 0.5))),
    Math.min(rows - 1, Math.max(0, Math.round(y + 0.5)))
  ];
}

/** The corner near a slice pixel that the clearest edge runs through. */
export function snapped(
  costs: IEdgeCosts,
  at: Point,
  reachX: number,
  reachY: number
): Corner {
  const [x0, y0] = cornerAt(costs, at);
  const { columns, rows } = costs;
  let best: Corner = [x0, y0];
  let least = Infinity;
  for (let y = Math.max(0, y0 - reachY); y <= y0 + reachY && y < rows; y++) {
    for (
      let x = Math.max(0, x0 - reachX);
      x <= x0 + reachX && x < columns;
      x++
    ) {
      const away =
        ((x - x0) / (reachX + 1)) ** 2 + ((y - y0) / (reachY + 1)) ** 2;
      const cost = throughCost(costs, x, y) + 0.5 * away;
      if (cost < least) {
        least = cost;
        best = [x, y];
      }
    }
  }
  return best;
}

/** How dear it is to run through a corner: its two cheapest steps, 0 to 2. */
function throughCost(
  { columns, rows, right, down, flat }: IEdgeCosts,
  x: number,
  y: number
): number {
  const at = x + columns * y;
  const steps = [
    x > 0 ? right[at - 1] / flat[0] : 1,
    x + 1 < columns ? right[at] / flat[0] : 1,
    y > 0 ? down[at - columns] / flat[1] : 1,
    y + 1 < rows ? down[at] / flat[1] : 1
  ].sort((a, b) => a - b);
  return steps[0] + steps[1];
}

/**
 * The line through these corners in slice pixels: only where it turns, and straight where
 * it follows no edge.
 */
export function lineOf(costs: IEdgeCosts, corners: readonly Corner[]): Point[] {
  const line: Corner[] = [];
  for (let at = 0; at < corners.length; at++) {
    line.push(corners[at]);
    let end = at;
    while (end + 1 < corners.length && isLost(costs, corners, end)) {
      end++;
    }
    if (end - at >= LOST) {
      at = end - 1;
    }
  }
  return turns(line).map(([x, y]) => [x - 0.5, y - 0.5]);
}

/** The step from this corner of the line to the next follows no edge. */
function isLost(
  { columns, right, down, flat }: IEdgeCosts,
  corners: readonly Corner[],
  at: number
): boolean {
  const [[x0, y0], [x1, y1]] = [corners[at], corners[at + 1]];
  const first = Math.min(x0, x1) + columns * Math.min(y0, y1);
  return y0 === y1
    ? right[first] >= NO_EDGE * flat[0]
    : down[first] >= NO_EDGE * flat[1];
}

function turns(line: readonly Corner[]): Corner[] {
  return line.filter(([x, y], at) => {
    const before = line[at - 1];
    const after = line[at + 1];
    return (
      !before ||
      !after ||
      (x - before[0]) * (after[1] - y) !== (y - before[1]) * (after[0] - x)
    );
  });
}

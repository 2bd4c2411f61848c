/** Round numbers that cover a range, at most about `count` of them. */
export function linearTicks(
  low: number,
  high: number,
  count: number
): number[] {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) {
    return [low];
  }
  const power = 10 ** Math.floor(Math.log10(rough));
  const step =
    ([1, 2, 5, 10].find(times => times * power >= rough) ?? 10) * power;
  const ticks = [];
  for (
    let i = Math.ceil(low / step - 1e-9);
    i * step <= high + step * 1e-9;
    i++
  ) {
    // Through a decimal string, or 3 * 0.1 would read 0.30000000000000004.
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

/** Powers of ten in a range; between two few of them also their twos and fives. */
export function logTicks(low: number, high: number): number[] {
  const from = Math.floor(Math.log10(low));
  const to = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((to - from) / 6));
  const parts = to - from <= 2 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = from; power <= to; power += every) {
    for (const part of parts) {
      const tick = Number((part * 10 ** power).toPrecision(12));
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) {
        ticks.push(tick);
      }
    }
  }
  return ticks;
}

/** Place of the value nearest to `x` in an ascending list; -1 if that is empty. */
export function nearest(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length - 1;
  if (high < 0) {
    return -1;
  }
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] < x) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return x - xs[low] <= xs[high] - x ? low : high;
}

/**
 * Points that draw the same line at `width` pixels: first, lowest, highest and last of
 * each column of pixels.
 */
export function thin(
  xs: readonly number[],
  ys: readonly number[],
  low: number,
  high: number,
  width: number
): number[] {
  if (xs.length <= width * 4) {
    return xs.map((_, i) => i);
  }
  const kept: number[] = [];
  const column = (i: number) =>
    Math.floor(((xs[i] - low) / (high - low)) * width);
  for (let start = 0; start < xs.length;) {
    const here = column(start);
    let lowest = start;
    let highest = start;
    let end = start;
    while (end < xs.length && column(end) === here) {
      lowest = ys[end] < ys[lowest] ? end : lowest;
      highest = ys[end] > ys[highest] ? end : highest;
      end += 1;
    }
    const few = new Set([start, lowest, highest, end - 1]);
    kept.push(...[...few].sort((a, b) => a - b));
    start = end;
  }
  return kept;
}

/** `[512, 512, 120]` -> `512 × 512 × 120` */
export function formatShape(shape: readonly number[]): string {
  return shape.join(' × ');
}

/** `[0.7, 0.7, 1.25]` -> `0.7 × 0.7 × 1.25 mm`, and px where voxels have no known size */
export function formatSpacing(
  spacing: readonly number[],
  unit: 'mm' | 'pixels' = 'mm'
): string {
  const sizes = spacing.map(size => formatNumber(size, 3)).join(' × ');
  return `${sizes} ${unit === 'pixels' ? 'px' : 'mm'}`;
}

/** Few digits, as a reader wants them: `0.000123` -> `1.23e-4`, `12345.6` -> `12346`. */
export function formatNumber(value: number, digits = 4): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) {
    return value
      .toExponential(digits - 2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  }
  const rounded =
    size >= 10 ** (digits - 1) ? value.toFixed(0) : value.toPrecision(digits);
  return rounded.includes('.') ? rounded.replace(/\.?0+$/, '') : rounded;
}

/** `52_428_800` -> `50 MB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${formatNumber(size, 3)} ${units[unit]}`;
}

/** `3725` -> `1 h 2 min`, `65` -> `1 min 5 s` */
export function formatDuration(seconds: number): string {
  const total = Math.max(0, Math.round(seconds));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  if (hours >= 48) {
    return `${Math.floor(hours / 24)} d ${hours % 24} h`;
  }
  if (hours > 0) {
    return `${hours} h ${minutes} min`;
  }
  return minutes > 0 ? `${minutes} min ${total % 60} s` : `${total} s`;
}

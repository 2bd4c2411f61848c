import type { ISegment } from '../../server/types';

/**
 * Colours for new segments.
 *
 * The first seven are Okabe and Ito's (2008, "Color Universal Design", without black, which
 * does not show on a scan); five more were chosen from a grid of the sRGB cube so that any
 * two of the twelve stay apart for normal eyes and for simulated protanopia, deuteranopia
 * and tritanopia (Machado, Oliveira and Fernandes, 2009, doi:10.1109/TVCG.2009.113).
 */
export const PALETTE = [
  '#e69f00',
  '#56b4e9',
  '#009e73',
  '#f0e442',
  '#0072b2',
  '#d55e00',
  '#cc79a7',
  '#cceecc',
  '#66ffff',
  '#995577',
  '#4488ff',
  '#ddbb88'
] as const;

/** The colour of the palette that the fewest segments have, the earliest of them. */
export function nextColor(
  segments: readonly Pick<ISegment, 'color'>[]
): string {
  const count = (color: string) =>
    segments.filter(segment => segment.color.toLowerCase() === color).length;
  return PALETTE.reduce<string>(
    (best, color) => (count(color) < count(best) ? color : best),
    PALETTE[0]
  );
}

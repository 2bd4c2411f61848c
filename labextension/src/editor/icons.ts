import { svg } from './dom';

/** Line icons on a 24 x 24 grid, drawn in the text colour. */
const PATHS = {
  crosshair: 'M12 3v6M12 15v6M3 12h6M15 12h6M12 12h.01',
  brush:
    'M14.5 6.5 19 2l3 3-4.5 4.5zM13 8l3 3-5.5 5.5c-2 2-5 3.5-8 3 2-1 2-3 3-5z',
  eraser: 'M8.5 20 3 14.5 14 3.5l6.5 6.5-10 10zM8 9.5l6.5 6.5M8.5 20H21',
  polygon:
    'M5 19 3 8l9-5 9 7-5 9zM3 8h.01M12 3h.01M21 10h.01M16 19h.01M5 19h.01',
  lasso:
    'M12 4c5 0 9 2.5 9 6s-4 6-9 6-9-2.5-9-6 4-6 9-6zM7 15.5c-2 1-2 4 .5 4s3 1 1.5 2.5',
  fill: 'M11 3 3.5 10.5a2 2 0 0 0 0 3l5 5a2 2 0 0 0 3 0L19 11zM4 12h13M20.5 15s2 2.5 2 4a2 2 0 0 1-4 0c0-1.500 2-4 2-4z',
  threshold:
    'M3 18c3 0 3-12 6-12s3 9 6 9 3-4 6-4M3 12h3M9 12h3M15 12h2M20 12h1',
  disc: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z',
  ball: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM4 12c0 4 16 4 16 0M12 4c4 0 4 16 0 16',
  undo: 'M4 9h11a5 5 0 0 1 0 10H9M4 9l5-5M4 9l5 5',
  redo: 'M20 9H9a5 5 0 0 0 0 10h6M20 9l-5-5M20 9l-5 5',
  eye: 'M2 12s4-7 10-7 10 7 10 7-4 7-10 7-10-7-10-7zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z',
  eyeOff:
    'M4 4l16 16M10 5.300A9 9 0 0 1 12 5c6 0 10 7 10 7s-1 1.800-2.800 3.500M6.500 7C3.500 9 2 12 2 12s4 7 10 7c1.800 0 3.400-.600 4.800-1.400',
  lock: 'M6 11h12v10H6zM8.500 11V7.500a3.500 3.500 0 0 1 7 0V11',
  unlock: 'M6 11h12v10H6zM8.500 11V7.500a3.500 3.500 0 0 1 6.800-1.200',
  chevron: 'M6 9l6 6 6-6',
  plus: 'M12 5v14M5 12h14',
  trash: 'M4 7h16M9 7V4h6v3M6 7l1 14h10l1-14M10 11v6M14 11v6',
  contrast:
    'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 3v18M12 8h6.500M12 12h9M12 16h6.500',
  fit: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  grid: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  outline: 'M12 4c5 0 8 3 8 7s-4 9-9 9-7-4-7-8 3-8 8-8z',
  shield: 'M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z',
  check: 'M4 12.500 9.500 18 20 6.500',
  cloud:
    'M7 18a5 5 0 1 1 1-9.900A6 6 0 0 1 19.500 10 4 4 0 0 1 18 18zM3 3l18 18',
  clock: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.500 2',
  warning: 'M12 3 2 20h20zM12 10v5M12 17.500h.01'
} as const;

export type IconName = keyof typeof PATHS;

export function icon(name: IconName): SVGSVGElement {
  return svg(
    'svg',
    {
      viewBox: '0 0 24 24',
      class: 'medlab-Editor-icon',
      'aria-hidden': 'true'
    },
    [svg('path', { d: PATHS[name] })]
  );
}

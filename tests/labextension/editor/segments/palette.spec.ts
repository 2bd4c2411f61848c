import { describe, expect, it } from 'vitest';

import {
  nextColor,
  PALETTE
} from '../../../../labextension/src/editor/segments/palette';

type Rgb = [number, number, number];

/*
 * Full colour blindness on linear RGB: Machado, Oliveira and Fernandes (2009), "A
 * Physiologically-based Model for Simulation of Color Vision Deficiency", severity 1.0.
 */
const SIMULATIONS: Record<string, Rgb[]> = {
  'no deficiency': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1]
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998]
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881]
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039]
  ]
};

/** CIE L*a*b*, D65, of a colour as a deficient eye sees it. */
function labOf(color: string, simulation: Rgb[]): Rgb {
  const rgb = [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16) / 255);
  const linear = rgb.map(c =>
    c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  );
  const times = (m: Rgb[], v: number[]) =>
    m.map(row => row.reduce((sum, x, at) => sum + x * v[at], 0));
  const seen = times(simulation, linear).map(c => Math.min(1, Math.max(0, c)));
  const xyz = times(
    [
      [0.4124564, 0.3575761, 0.1804375],
      [0.2126729, 0.7151522, 0.072175],
      [0.0193339, 0.119192, 0.9503041]
    ],
    seen
  ).map((x, at) => x / [0.95047, 1, 1.08883][at]);
  const [x, y, z] = xyz.map(t =>
    t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116
  );
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** CIEDE2000 (Sharma, Wu and Dalal, 2005). */
function difference([L1, a1, b1]: Rgb, [L2, a2, b2]: Rgb): number {
  const rad = Math.PI / 180;
  const meanC7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const g = 0.5 * (1 - Math.sqrt(meanC7 / (meanC7 + 25 ** 7)));
  const [p1, p2] = [a1 * (1 + g), a2 * (1 + g)];
  const [c1, c2] = [Math.hypot(p1, b1), Math.hypot(p2, b2)];
  const hue = (b: number, a: number) => (Math.atan2(b, a) / rad + 360) % 360;
  const [h1, h2] = [hue(b1, p1), hue(b2, p2)];
  let dh = h2 - h1;
  dh -= 360 * Math.round(dh / 360);
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin((dh / 2) * rad);
  const [L, c] = [(L1 + L2) / 2, (c1 + c2) / 2];
  let h = (h1 + h2) / 2;
  if (Math.abs(h1 - h2) > 180) {
    h += h < 180 ? 180 : -180;
  }
  const cos = (degrees: number) => Math.cos(degrees * rad);
  const t =
    1 -
    0.17 * cos(h - 30) +
    0.24 * cos(2 * h) +
    0.32 * cos(3 * h + 6) -
    0.2 * cos(4 * h - 63);
  const sl = 1 + (0.015 * (L - 50) ** 2) / Math.sqrt(20 + (L - 50) ** 2);
  const sc = 1 + 0.045 * c;
  const sh = 1 + 0.015 * c * t;
  const turn = 30 * Math.exp(-(((h - 275) / 25) ** 2));
  const rc = 2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7));
  const rt = -Math.sin(2 * turn * rad) * rc;
  const [l, k, m] = [(L2 - L1) / sl, (c2 - c1) / sc, dH / sh];
  return Math.sqrt(l * l + k * k + m * m + rt * k * m);
}

describe('the colours of segments', () => {
  it('are told apart by the difference of Sharma, Wu and Dalal', () => {
    // The first, second and 17th pair of their test data.
    const pairs: [Rgb, Rgb, number][] = [
      [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
      [[50, 3.1571, -77.2803], [50, 0, -82.7485], 2.8615],
      [[50, 2.5, 0], [73, 25, -18], 27.1492]
    ];
    for (const [a, b, expected] of pairs) {
      expect(difference(a, b)).toBeCloseTo(expected, 4);
    }
  });

  it.each(Object.keys(SIMULATIONS))('stay apart with %s', name => {
    const seen = PALETTE.map(color => labOf(color, SIMULATIONS[name]));
    for (let a = 0; a < seen.length; a++) {
      for (let b = 0; b < a; b++) {
        // 2.3 is a just noticeable difference; the old first ten came down to 3.1.
        const apart = difference(seen[a], seen[b]);
        expect(apart, `${PALETTE[a]} ${PALETTE[b]}`).toBeGreaterThan(9.9);
      }
    }
  });

  it('show on black and on bright bone', () => {
    for (const color of PALETTE) {
      expect(labOf(color, SIMULATIONS['no deficiency'])[0]).toBeGreaterThan(45);
    }
  });

  it('are given out in turn, a free one first', () => {
    const given: { color: string }[] = [];
    for (let n = 0; n < 14; n++) {
      given.push({ color: nextColor(given) });
    }
    expect(given.slice(0, 12).map(({ color }) => color)).toEqual([...PALETTE]);
    expect(given[12].color).toBe(PALETTE[0]);

    given.splice(3, 1);
    expect(nextColor(given.slice(0, 11))).toBe(PALETTE[3]);
  });
});

import type { Stroke } from './strokes.ts';

/** The canvas that all coordinates are in. */
export const canvas = { width: 720, height: 320 } as const;

const along = (count: number, at: (t: number) => { x: number; y: number }): Stroke =>
  Array.from({ length: count }, (_, i) => at(i / (count - 1)));

/** Drawings to begin with; each leaves room to the right for how it goes on. */
export const examples: Readonly<Record<string, () => readonly Stroke[]>> = {
  loops: () => [
    along(400, (t) => ({
      x: 40 + 330 * t + 26 * Math.sin(14 * Math.PI * t),
      y: 160 - 60 * Math.cos(14 * Math.PI * t),
    })),
  ],
  waves: () => [along(300, (t) => ({ x: 40 + 380 * t, y: 160 + 80 * Math.sin(10 * Math.PI * t) }))],
  steps: () => [
    along(11, (t) => {
      const i = Math.round(10 * t);
      return { x: 40 + 60 * Math.ceil(i / 2), y: i % 4 === 1 || i % 4 === 2 ? 100 : 220 };
    }),
  ],
  dashes: () =>
    Array.from({ length: 9 }, (_, i) =>
      along(20, (t) => ({ x: 40 + 42 * i + 18 * t, y: (i % 2 === 0 ? 220 : 190) - 100 * t })),
    ),
};

import type { Demo } from './demo.ts';

/** The demos in the order of their tabs; the first is shown on arrival. */
export const demos: readonly Demo[] = [
  {
    id: 'text',
    title: 'Text',
    summary: 'A net reads a text letter by letter and learns to write like it.',
    load: () => import('./demos/text/demo.tsx'),
  },
];

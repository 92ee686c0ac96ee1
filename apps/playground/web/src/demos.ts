import type { Demo } from './demo.ts';

/** The demos in the order of their tabs; the first is shown on arrival. */
export const demos: readonly Demo[] = [
  {
    id: 'text',
    title: 'Text',
    summary: 'A net reads a text letter by letter and learns to write like it.',
    load: () => import('./demos/text/demo.tsx'),
  },
  {
    id: 'cell',
    title: 'The cell',
    summary: 'Step through a recurrent cell, number by number, and write one of your own.',
    load: () => import('./demos/cell/demo.tsx'),
  },
  {
    id: 'memory',
    title: 'Memory',
    summary: 'Why a plain net forgets: watch its gradient fade on the way back through time.',
    load: () => import('./demos/memory/demo.tsx'),
  },
  {
    id: 'forecast',
    title: 'Forecast',
    summary: 'A net learns how a series goes on: sunspots, weather, stocks, or a file of yours.',
    load: () => import('./demos/forecast/demo.tsx'),
  },
  {
    id: 'speakers',
    title: 'Speakers',
    summary: 'Nine voices, utterances of different lengths: who speaks?',
    load: () => import('./demos/speakers/demo.tsx'),
  },
  {
    id: 'listen',
    title: 'Listen',
    summary: 'A voice detector hears your microphone, and shows its 128 cells.',
    load: () => import('./demos/listen/demo.tsx'),
  },
  {
    id: 'draw',
    title: 'Draw',
    summary: 'Draw a line: a net learns your hand, and draws on.',
    load: () => import('./demos/draw/demo.tsx'),
  },
];

/**
 * What each demo is called, in the order of the tabs; the first is shown on arrival. How a demo is
 * loaded stands in `demos.ts`: an address needs the names alone.
 */
export const demoList = [
  {
    id: 'text',
    title: 'Text',
    summary: 'A net reads a text letter by letter and learns to write like it.',
  },
  {
    id: 'cell',
    title: 'The cell',
    summary: 'Step through a recurrent cell, number by number, and write one of your own.',
  },
  {
    id: 'memory',
    title: 'Memory',
    summary: 'Why a plain net forgets: watch its gradient fade on the way back through time.',
  },
  {
    id: 'forecast',
    title: 'Forecast',
    summary: 'A net learns how a series goes on: sunspots, weather, stocks, or a file of yours.',
  },
  {
    id: 'speakers',
    title: 'Speakers',
    summary: 'Nine voices, utterances of different lengths: who speaks?',
  },
  {
    id: 'listen',
    title: 'Listen',
    summary: 'A voice detector hears your microphone, and shows its 128 cells.',
  },
  {
    id: 'draw',
    title: 'Draw',
    summary: 'Draw a line: a net learns your hand, and draws on.',
  },
  {
    id: 'backends',
    title: 'Backends',
    summary: 'What this browser can compute with: four backends race on the same training step.',
  },
  {
    id: 'conformance',
    title: 'Conformance',
    summary: 'Does a backend compute what it should? Run the suite that decides it, here.',
  },
] as const;

/** A demo, as it stands in the address: `#/text`. */
export type DemoId = (typeof demoList)[number]['id'];

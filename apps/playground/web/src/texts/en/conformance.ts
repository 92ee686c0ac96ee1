import { whole } from './writing.ts';

/** What the demo of conformance says. */
export const conformance = {
  what:
    'Every backend has to pass the same cases: each operation and derivative against plain double precision, cells, ' +
    'layers, losses and trainings against the numbers of PyTorch, random programs, special values, memory and errors.',
  how: 'Choose a backend in the bar, and run them here, in this browser, on this machine.',
  noSeed: 'The suite has a seed of its own, the same everywhere.',
  filter: 'Only cases whose group or name contains',
  placeholder: 'all',
  run: 'Run the cases',
  goOn: 'Go on',
  stop: 'Stop',
  try: 'Try:',
  tries: ['kernel movement', 'softmax', 'lstm', 'training'],
  progress: 'Cases done',
  done: (done: number, total: number | undefined) =>
    total === undefined ? 'Nothing has run yet.' : `${whole(done)} of ${whole(total)} cases`,
  nothingFits: (filter: string) => `No case has “${filter}” in its group or name. Try a shorter word.`,
  counts: (passed: number, failed: number, skipped: number) =>
    `${whole(passed)} passed, ${whole(failed)} failed, ${whole(skipped)} skipped`,
  verdict: (backend: string, passed: number, failed: number) =>
    passed + failed === 0
      ? `All of these were skipped, so they say nothing about ${backend}.`
      : failed === 0
        ? `${backend} does all that was asked of it here.`
        : `${backend} fails in what stands below.`,
  download: 'Download the report (JSON)',
  groups: 'By group',
  group: 'Group',
  passed: 'Passed',
  failed: 'Failed',
  skipped: 'Skipped',
  worst: 'Worst error (allowed)',
  allowed: (error: string) => `(${error})`,
  exact: 'exact',
  none: '–',
  failures: 'What failed',
  more: (count: number) => `and ${whole(count)} more, which the report names.`,
  skips: 'Not available on this backend',
  skipsWhat:
    'A case is skipped where the backend says that it does not have what the case needs: double precision (float64), ' +
    'for example, which WebAssembly and graphics cards here do not compute with. All that every model needs is never skipped.',
  reason: (count: number, reason: string) => `${whole(count)} cases: ${reason}`,
  own: 'A backend of your own',
  ownWhat: 'This page runs no scripts but its own, so that a link can never bring one in. Another page runs yours:',
  ownPage: 'run a backend of your own',
  ownTerminal: 'And so does a terminal:',
  ownCommand: 'npx rnn-conformance --backend ./my-backend.js',
  ownGuide: 'How to write one, from an empty file',
} as const;

/** What the page of an author's own backend says. */
export const ownBackend = {
  title: 'Does my backend compute what it should?',
  back: 'Back to the playground',
  what:
    'This page runs the code of the file that you choose, on the same cases that every backend of @rnn has to pass. ' +
    'It runs in a worker without an origin: it sees nothing of this site and of what it keeps, and Stop ends it at any moment. ' +
    'Choose files that you trust to use your processor.',
  form:
    'One JavaScript module without imports whose default export is a function that makes the backend, or a promise of it. ' +
    'TypeScript, or one with imports, becomes such a file by',
  bundle: 'npx esbuild my-backend.ts --bundle --format=esm --outfile=my-backend.js',
  guide: 'How to write one, from an empty file',
  choose: 'Open a module',
  drop: 'or drop it anywhere here.',
  address: 'or its address',
  placeholder: 'https://…/my-backend.js',
  load: 'Load',
  loading: (name: string) => `Starting the backend of ${name} …`,
  giveUp: 'Give up',
  runs: (name: string, device: string, dtypes: string) => `${name}, on ${device}, with ${dtypes}.`,
  notLoaded: (name: string) => `${name} cannot be used.`,
  notReached: (status: string) =>
    `It could not be fetched (${status}). Another site has to allow it, by the header Access-Control-Allow-Origin.`,
  noModule: (reason: string) => `It is no module that runs by itself: ${reason}.`,
  noFactory: (found: readonly string[]) =>
    `Its default export has to be a function that makes the backend; it exports ${found.length === 0 ? 'nothing' : found.join(', ')}.`,
} as const;

import { backends } from './backends.ts';
import { readOptions } from './options.ts';
import { screenOn } from './terminal/screen.ts';
import { runTour } from './tour.ts';

const { backend, ...options } = readOptions(process.argv.slice(2));

// Whoever reads may have seen enough, as in `npm start | head`: then there is nobody left to show anything to.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

await runTour(screenOn(process.stdout), { ...options, backend: await backends[backend]() });

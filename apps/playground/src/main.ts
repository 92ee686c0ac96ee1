import { backends } from './backends.ts';
import { readOptions } from './options.ts';
import { screenOn } from './terminal/screen.ts';
import { runTour } from './tour.ts';

const { backend, ...options } = readOptions(process.argv.slice(2));
await runTour(screenOn(process.stdout), { ...options, backend: await backends[backend]() });

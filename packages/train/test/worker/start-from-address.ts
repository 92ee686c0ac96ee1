/** A program that trains in a worker, and prints the number of passes: a test runs it. */
import { fitInWorker } from '@rnn/train';

const { history } = await fitInWorker(new URL('training-worker.ts', import.meta.url), { args: { epochs: 2 } });
console.log(history.epoch);

import { cpu } from '@rnn/backend-cpu';
import { gpu } from '@rnn/backend-gpu';
import { wasm } from '@rnn/backend-wasm';
import type { Backend } from '@rnn/core';
import { describe } from 'vitest';
import { describeJunk, type Example } from './junk.js';

/** A backend that is not needed any longer than the call. */
const briefly =
  (make: (options?: never) => Promise<Backend>) =>
  async (options: never): Promise<void> =>
    (await make(options)).dispose();

const examples: Example[] = [
  { name: 'cpu', call: briefly(cpu), args: () => [{}], required: 0 },
  {
    name: 'wasm',
    call: briefly(wasm),
    args: () => [{ threads: 1, deterministic: true, maxBytes: 2 ** 24 }],
    required: 0,
    accepts: { '0.deterministic': ['truth value'] },
  },
  { name: 'gpu', call: briefly(gpu), args: () => [{ mode: 'cpu' }], accepts: { 0: [] } },
];

describe('backends', () => {
  describeJunk(examples, ['cpu', 'wasm', 'gpu'], []);
});

import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { conformance } from '@rnn/conformance/vitest';
import { describe } from 'vitest';
import { loadBinding } from '../src/binding.js';
import { createBackend } from '../src/create.js';
import { native } from '../src/index.js';
import { built } from './built.js';

built('one thread', () => conformance(() => native({ threads: 1 }), { swap: cpu }));

built('two threads, deterministic', () =>
  conformance(() => native({ threads: 2, deterministic: true }), { swap: wasm, runs: 8 }),
);

// What a processor computes with that has less than this one.
built('other registers', () => {
  for (const registers of loadBinding().registers.split(' ').slice(1)) {
    describe(registers, () => {
      conformance(async () => createBackend({ threads: 1 }, registers), { runs: 8 });
    });
  }
});

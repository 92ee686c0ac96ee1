import { cpu } from '@rnn/backend-cpu';
import { conformance } from '@rnn/conformance/vitest';
import { describe } from 'vitest';
import { wasm } from '../src/index.js';
import { wasm as lean } from '../src/lean.js';

// All cases on both kinds of SIMD here, on two threads each in conformance-threads.test.ts. Random
// examples are many for one of the two kinds there and for the other here, and backends change
// once: threads change no bit (threads.test.ts), and both kinds are written by the same code.
describe('relaxed SIMD', () => {
  conformance(() => wasm({ threads: 1 }), { swap: cpu });
});

describe('strict SIMD', () => {
  conformance(() => wasm({ threads: 1, deterministic: true }), { runs: 8 });
});

describe('the lean entry', () => {
  conformance(() => lean(), { runs: 8 });
});

import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { conformance } from '@rnn/conformance/vitest';
import { native } from '../src/index.js';
import { built } from './built.js';

built('one thread', () => conformance(() => native({ threads: 1 }), { swap: cpu }));

built('two threads, deterministic', () =>
  conformance(() => native({ threads: 2, deterministic: true }), { swap: wasm, runs: 8 }),
);

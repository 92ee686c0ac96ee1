import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { registerConformance, swapCases } from '@rnn/conformance';
import { afterAll, describe, it } from 'vitest';
import { gpu } from '../src/index.js';

registerConformance(
  { describe, it, after: afterAll },
  () => gpu({ mode: 'webgpu' }),
  swapCases(cpu, () => wasm({ threads: 1 })),
);

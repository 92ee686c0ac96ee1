import { primitiveCases, referenceCases, registerConformance } from '@rnn/conformance';
import { afterAll, describe, it } from 'vitest';
import { gpu } from '../src/index.js';
import { fetchedCases } from './fetched-cases.js';

// All reference cases. Few random examples, which the run on `cpu` has plenty of: each costs a
// launch and a wait here.
registerConformance(
  { describe, it, after: afterAll },
  () => gpu({ mode: 'webgpu' }),
  [...primitiveCases(), ...referenceCases(await fetchedCases())],
  { runs: 4 },
);

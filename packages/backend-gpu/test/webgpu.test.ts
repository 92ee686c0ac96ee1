/** WebGPU in Node, where the package `webgpu` finds an adapter. */
import { primitiveCases, referenceCases, registerConformance } from '@rnn/conformance';
import { caseDirectory } from '@rnn/conformance/node';
import { BackendError, type Backend } from '@rnn/core';
import { afterAll, describe, expect, it } from 'vitest';
import { gpu } from '../src/index.js';

let first: Backend | undefined;
let reason = '';
try {
  first = await gpu({ mode: 'webgpu' });
} catch (error) {
  if (!(error instanceof BackendError)) throw error;
  reason = error.message;
}

// oxlint-disable-next-line vitest/no-conditional-tests -- a machine without an adapter can only be told so
if (first === undefined) {
  console.warn(`NOT AVAILABLE here, and not tested: webgpu in Node. ${reason}`);
  it('says what would work where WebGPU finds no adapter', () => {
    expect(reason).toMatch(/@rnn\/backend-wasm|npm install webgpu/);
  });
} else {
  await first.dispose();
  // Programs are compiled in the reference cases too; random ones, each with kernels of its own, run in the browser.
  registerConformance(
    { describe, it, after: afterAll },
    () => gpu({ mode: 'webgpu' }),
    [...primitiveCases().filter(({ group }) => group !== 'programs'), ...referenceCases(caseDirectory())],
    { runs: 1 },
  );
}

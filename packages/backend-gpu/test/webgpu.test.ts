/** WebGPU in Node, where the package `webgpu` finds an adapter. */
import { primitiveCases, referenceCases, registerConformance } from '@rnn/conformance';
import { caseDirectory } from '@rnn/conformance/node';
import { BackendError } from '@rnn/core';
import { afterAll, describe, expect, it } from 'vitest';
import { gpu } from '../src/index.js';

/** Why WebGPU does not run here; `undefined` where it does. */
async function obstacle(): Promise<string | undefined> {
  try {
    await (await gpu({ mode: 'webgpu' })).dispose();
    return undefined;
  } catch (error) {
    if (error instanceof BackendError) return error.message;
    throw error;
  }
}

/** Programs are compiled in the reference cases too; random ones, each with kernels of its own, run in the browser. */
function registerCases(): void {
  registerConformance(
    { describe, it, after: afterAll },
    () => gpu({ mode: 'webgpu' }),
    [...primitiveCases().filter(({ group }) => group !== 'programs'), ...referenceCases(caseDirectory())],
    { runs: 1 },
  );
}

function registerRefusal(reason: string): void {
  // Straight to the terminal, since reporters may keep what passing tests print to themselves.
  process.stderr.write(`\nNOT AVAILABLE here, and not tested: webgpu in Node. ${reason}\n`);
  it('NOT AVAILABLE: webgpu in Node; the error says what would work', () => {
    expect(reason).toMatch(/@rnn\/backend-wasm|npm install webgpu/);
  });
}

const reason = await obstacle();
const register = reason === undefined ? registerCases : () => registerRefusal(reason);
register();

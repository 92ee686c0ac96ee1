/** WebGPU in Node, where the package `webgpu` finds an adapter. */
import { primitiveCases, referenceCases, registerConformance } from '@rnn/conformance';
import { caseDirectory } from '@rnn/conformance/node';
import { afterAll, describe, expect, it } from 'vitest';
import { gpu } from '../src/index.js';
import { expectAccuracy } from './accuracy-cases.js';
import { obstacle } from './device-sharing.js';
import { expectSpecialValues, expectSubnormals } from './special-cases.js';
import { expectConversions, expectWholeNumbers } from './whole-number-cases.js';

/**
 * Programs are compiled in the reference cases too; random ones, each with kernels of its own, run
 * in the browser.
 */
function registerCases(): void {
  registerConformance(
    { describe, it, after: afterAll },
    () => gpu({ mode: 'webgpu' }),
    [...primitiveCases().filter(({ group }) => group !== 'programs'), ...referenceCases(caseDirectory())],
    { runs: 1 },
  );
  it('special values are those of PyTorch', async () => {
    const backend = await gpu({ mode: 'webgpu' });
    await expectSpecialValues(backend);
    await expectSubnormals(backend);
    await backend.dispose();
  });
  it('int32 results are right or refused', async () => {
    const backend = await gpu({ mode: 'webgpu' });
    await expectWholeNumbers(backend);
    await expectConversions(backend);
    await backend.dispose();
  });
  it('the errors are those of the README', async () => {
    const backend = await gpu({ mode: 'webgpu' });
    await expectAccuracy(backend);
    await backend.dispose();
  });
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

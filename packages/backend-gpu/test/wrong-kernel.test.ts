/** The suite sees a kernel that is wrong, and points at it. */
import { primitiveCases, runConformance } from '@rnn/conformance';
import type { Backend } from '@rnn/core';
import { expect, test } from 'vitest';
import { GpuBackend } from '../src/backend.js';
import { Device, type DeviceKernel } from '../src/device.js';
import { startEngine } from '../src/engine.js';
import { gpu } from '../src/index.js';

/** A backend of which one kernel gets its first element wrong. */
async function backendWithWrong(prefix: string): Promise<Backend> {
  const { info } = await gpu({ mode: 'cpu' });
  const device = await Device.start(await startEngine('cpu'));
  const kernel: Device['kernel'] = (key, source): DeviceKernel => {
    if (!key.startsWith(prefix)) return device.kernel(key, source);
    return device.kernel(`wrong ${key}`, () => {
      const right = source();
      return { ...right, body: `if (this.thread.x === 0) { return 7.0; } ${right.body}` };
    });
  };
  return new GpuBackend(info, Object.assign(Object.create(device) as Device, { kernel }));
}

const kernels: readonly (readonly [prefix: string, cases: RegExp])[] = [
  ['unary tanh', /unary tanh/],
  ['reduce max', /reduce max|reduce float32/],
  ['scatterAdd', /scatterAdd/],
  ['matmul', /matmul/],
];

const cases = primitiveCases().filter(({ group }) => group.startsWith('kernel'));

test.each(kernels)('a wrong kernel %s turns exactly its own cases red', async (prefix, own) => {
  const { results } = await runConformance({ factory: () => backendWithWrong(prefix), cases, runs: 3 });
  // calls of other kernels are compared with themselves there, and the numbers with nothing
  const compared = results.filter(
    ({ status, name }) => status !== 'skipped' && !/makes one storage|outlives/.test(name),
  );
  const red = compared.filter(({ status }) => status === 'failed').map(({ name }) => name);
  const expected = compared.filter(({ name }) => own.test(name)).map(({ name }) => name);
  expect(red).toEqual(expected);
  expect(red.length).toBeGreaterThan(0);
});

import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { manualSeed, scope, setBackend, type Backend, type BackendInfo } from '@rnn/core';
import { expect, test } from 'vitest';
import { agreementOf, comparedSteps, toleranceOf } from '../../web/src/demos/backends/agreement.ts';
import { cardName, describeAbsence, describeBackend } from '../../web/src/demos/backends/describe.ts';
import { reasonFor } from '../../web/src/shell/device.ts';
import { RaceExperiment } from '../../web/src/demos/backends/race-experiment.ts';

async function race(backend: Backend, steps: number, seed = 1): Promise<number[]> {
  setBackend(backend);
  manualSeed(seed);
  const experiment = new RaceExperiment({ seed, settings: { units: 32 } });
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const loss = scope(() => experiment.step());
    losses.push((await loss.data())[0]);
    loss.dispose();
  }
  return losses;
}

test('the race trains: and every backend computes the same losses, within what it allows', async () => {
  const [plain, fast] = [await cpu(), await wasm({ threads: 1 })];
  const reference = await race(plain, comparedSteps);
  expect(reference[comparedSteps - 1]).toBeLessThan(reference[0] / 2);
  const agreement = agreementOf(await race(fast, comparedSteps), reference, toleranceOf(fast.info));
  expect(agreement).toMatchObject({ steps: comparedSteps, agrees: true });
  // From other weights the losses are others: the comparison can tell.
  expect(agreementOf(await race(fast, 3, 2), reference, toleranceOf(fast.info))?.agrees).toBe(false);
});

test('one loss that is too far off is enough, and what is no number agrees with nothing', () => {
  const reference = [1, 0.5, 0.25];
  expect(agreementOf([], reference, 1e-6)).toBeUndefined();
  expect(agreementOf([1, 0.5 + 0.9e-6], reference, 1e-6)).toMatchObject({ steps: 2, agrees: true });
  expect(agreementOf([1, 0.5 + 1.1e-6, 0.25], reference, 1e-6)).toMatchObject({ steps: 3, agrees: false });
  expect(agreementOf([Number.NaN], reference, 1e-6)).toMatchObject({ agrees: false, difference: Infinity });
  // Losses above 1 are compared by their size.
  expect(agreementOf([2000.001], [2000], 1e-6)).toMatchObject({ agrees: true });
});

const info: BackendInfo = {
  name: 'wasm',
  device: 'WebAssembly, 4 threads',
  dtypes: ['float32', 'int32'],
  threads: 4,
  simd: 'relaxed',
  synchronous: true,
  notes: ['The kernels use relaxed SIMD because the engine has it.', 'The memory may grow to 2147483648 bytes.'],
};

test('what runs is told in sentences, without the words of who built it', async () => {
  const words = describeBackend('wasm', info).join(' ');
  expect(words).toContain('4 cores');
  const alone = { ...info, threads: 1, notes: ['One thread computes because the page is not cross-origin isolated.'] };
  expect(describeBackend('wasm', alone).join(' ')).toContain('does not isolate');
  expect(describeBackend('cpu', (await cpu()).info).join(' ')).toContain('JavaScript alone');
  const card = {
    ...info,
    simd: 'gpu',
    threads: 1,
    bound: { tolerance: 4e-6, reason: 'sums are compensated' },
  } as const;
  expect(describeBackend('webgl2', { ...card, device: 'NVIDIA H100 (webgl2)', notes: ['mode webgl2'] })).toEqual([
    'The graphics card computes: NVIDIA H100.',
    'A result may be off by 4 millionths of its size, more than on a processor.',
  ]);
  const imitated = describeBackend('webgpu', { ...card, device: 'Google, SwiftShader Device (webgpu)' }).join(' ');
  expect(imitated).toContain('There is no graphics card here');
  for (const text of [words, imitated]) expect(text).not.toMatch(/bytes|SIMD|undefined|dtype|mode |synchron/i);
});

test('what cannot run says what to do first, and the reason after it', () => {
  const error = new Error("gpu: WebGPU finds no adapter here; use gpu({ mode: 'webgl2' })");
  const [advice, reason] = describeAbsence('webgpu', reasonFor(error));
  expect(advice).toContain('WebGL 2 does the same');
  expect(reason).toBe('The browser says: WebGPU finds no adapter here');
});

test.each([
  ['ANGLE (NVIDIA, NVIDIA GeForce RTX 3080 (0x00002206) Direct3D11 vs_5_0 ps_5_0, D3D11)', 'NVIDIA GeForce RTX 3080'],
  ['ANGLE (Intel, Mesa Intel(R) UHD Graphics 620 (KBL GT2), OpenGL 4.6)', 'Mesa Intel(R) UHD Graphics 620 (KBL GT2)'],
  ['ANGLE (Apple, ANGLE Metal Renderer: Apple M2, Unspecified Version)', 'Apple M2'],
  [
    'ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero) (0x0000C0DE)), SwiftShader driver)',
    'SwiftShader Device',
  ],
  ['nvidia ampere', 'nvidia ampere'],
])('a card is called what people call it: %s', (device, name) => {
  expect(cardName(device)).toBe(name);
});

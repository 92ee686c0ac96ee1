/** What a backend says of itself. */
import type { BackendInfo } from '@rnn/core';
import { EXACT, type Device } from './device.js';
import type { Mode } from './engine.js';
import type { Arithmetic } from './kernels/probe.js';

const words: Readonly<Record<Mode, string>> = { webgl2: 'WebGL 2', webgpu: 'WebGPU', cpu: 'CPU' };

/**
 * Measured; `test/accuracy-cases.ts` measures again. Functions need it at most up to 2.3e-7,
 * products of thousands of terms for the rounding of each, and the loss after two layers of GRU is
 * 1.04e-6 off, where PyTorch's own error allows 1e-6.
 */
const TOLERANCE = 2.5e-6;
/**
 * The same for a device whose compiler simplifies compensated sums: 3e-4 was the worst of 40 sums
 * of 10^6 terms within ±1, in blocks.
 */
const PLAIN_TOLERANCE = 5e-4;

/** The info of a backend on a device whose arithmetic was tried. */
export function infoOf(
  { mode, maxSize, description, isSynchronous }: Pick<Device, 'mode' | 'maxSize' | 'description' | 'isSynchronous'>,
  { compensatesSums, keepsSubnormals }: Arithmetic,
): BackendInfo {
  const sums = compensatesSums
    ? 'sums are compensated; in Chromium, on its software renderer and an NVIDIA H100, the worst error measured over all functions, sums of 10^6 ' +
      'terms and products of 4096 was 2e-6, of the rounding of each product'
    : "this device's compiler simplifies compensated sums, so that they are plain float32";
  return {
    name: 'gpu',
    device: `${description.name} (${mode})`,
    dtypes: ['float32', 'int32'],
    threads: 1,
    simd: 'gpu',
    synchronous: isSynchronous,
    largestInteger: EXACT - 1,
    ...(mode !== 'cpu' && {
      bound: {
        tolerance: compensatesSums ? TOLERANCE : PLAIN_TOLERANCE,
        reason: `${words[mode]} leaves functions a few units in the last place; ${sums}`,
      },
    }),
    notes: [
      `mode ${mode}`,
      ...(mode === 'cpu'
        ? []
        : [
            'the error of pow grows with the logarithm of the result: measured 1.4e-6 for bases to 8 and exponents to 4, up to 8.4e-6 at 1000^±10',
          ]),
      keepsSubnormals
        ? 'subnormal numbers, those below 2^-126, are computed with'
        : 'subnormal numbers, those below 2^-126, count as 0: the device flushes them, as a trial showed',
      `at most ${maxSize} elements a tensor`,
      `int32 is stored as float32: numbers beyond ±${EXACT - 1} are kept, and reading a result that is made of them, or is one, is an error`,
    ],
  };
}

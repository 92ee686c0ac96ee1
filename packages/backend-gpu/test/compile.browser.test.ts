/** Compiled programs on the graphics card itself. */
import { cpu } from '@rnn/backend-cpu';
import { programExamples } from '@rnn/conformance';
import type { Backend } from '@rnn/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DeviceBackend } from '../src/backend.js';
import { backendWith } from './compile-backend.js';
import { cells, runCell, worstError, type Setting } from './compile-cells.js';

const sizes = { steps: 19, rows: 4, inputs: 3, units: 5 };
const resets = Array.from({ length: 19 }, (_, t) =>
  Array.from({ length: 4 }, (__, row) => ((t * 5 + row * 3) % 7 === 1 ? 1 : 0)),
);
const settings: Readonly<Record<string, Setting>> = {
  plain: { ...sizes, units: 33 },
  'lengths in reverse': { ...sizes, options: { lengths: [19, 0, 7, 12], reverse: true } },
  resets: { ...sizes, options: { resets } },
};

for (const mode of ['webgl2', 'webgpu'] as const) {
  describe(mode, () => {
    let backend: DeviceBackend;
    let reference: Backend;
    beforeAll(async () => {
      backend = await backendWith(mode);
      reference = await cpu();
    });
    afterAll(() => backend.dispose());

    test('random programs give what they give in float64', async () => {
      await fc.assert(
        fc.asyncProperty(programExamples, async (example) => {
          const found = await example.runCompiled(backend);
          if (found === undefined) throw new Error('not compiled');
          expect(worstError(found, [...example.exact.outputs, ...example.exact.last])).toBeLessThan(5e-5);
          expect([backend.memory().storages, backend.device.arrays]).toEqual([0, 0]);
        }),
        { numRuns: 30, seed: 5, endOnFailure: true },
      );
    });

    for (const name of ['lstm', 'gru', 'layerNormLstm'] as const) {
      for (const [title, setting] of Object.entries(settings)) {
        test(`${name}, ${title}: values and gradients are those of float64`, async () => {
          const exact = await runCell(reference, 'float64', cells[name], setting);
          const own = worstError(await runCell(reference, 'float32', cells[name], setting), exact);
          const found = await runCell(backend, 'float32', cells[name], setting);
          // Gradients of a layer normalisation of few units enlarge every rounding, on the CPU too.
          expect(worstError(found, exact)).toBeLessThan(Math.max(1e-5, 8 * own));
          expect([backend.memory().storages, backend.device.arrays]).toEqual([0, 0]);
        });
      }
    }
  });
}

import { cpu } from '@rnn/backend-cpu';
import { beforeAll, expect, test } from 'vitest';
import type { Backend } from '@rnn/core';
import type { DeviceBackend } from '../src/backend.js';
import { backendWith } from './compile-backend.js';
import { cells, runCell, worstError, type Setting } from './compile-cells.js';

let reference: Backend;
let backends: readonly DeviceBackend[];

beforeAll(async () => {
  reference = await cpu();
  backends = [await backendWith('cpu', 14), await backendWith('cpu', 7)];
});

const sizes = { steps: 19, rows: 4, inputs: 3, units: 5 };
const resets = Array.from({ length: 19 }, (_, t) =>
  Array.from({ length: 4 }, (__, row) => ((t * 5 + row * 3) % 7 === 1 ? 1 : 0)),
);
const settings: Readonly<Record<string, Setting>> = {
  plain: sizes,
  reverse: { ...sizes, options: { reverse: true } },
  lengths: { ...sizes, options: { lengths: [19, 0, 7, 12] } },
  'lengths in reverse': { ...sizes, options: { lengths: [19, 0, 7, 12], reverse: true } },
  resets: { ...sizes, options: { resets } },
  'resets in reverse': { ...sizes, options: { resets, reverse: true } },
  'one step': { ...sizes, steps: 1 },
  'many steps': { ...sizes, steps: 230, units: 2 },
  wide: { ...sizes, steps: 2, units: 70 },
  'weights turned': { ...sizes, steps: 5, units: 40 },
};

for (const [name, cell] of Object.entries(cells)) {
  for (const [title, setting] of Object.entries(settings)) {
    test(`${name}, ${title}: values and gradients are those of float64`, async () => {
      const exact = await runCell(reference, 'float64', cell, setting);
      const own = worstError(await runCell(reference, 'float32', cell, setting), exact);
      for (const backend of backends) {
        const found = await runCell(backend, 'float32', cell, setting);
        expect(worstError(found, exact)).toBeLessThan(Math.max(1e-5, 4 * own));
        expect([backend.memory().storages, backend.device.arrays]).toEqual([0, 0]);
      }
    });
  }
}

test('where arrays are small, steps are packed and stacked in pieces', async () => {
  const setting = { ...sizes, steps: 230, units: 2 };
  const exact = await runCell(reference, 'float64', cells.lstm, setting);
  const backend = await backendWith('cpu', 7);
  // the input of the gates, [230, 4, 8], is the largest that a program gets or gives
  Object.defineProperty(backend.device, 'maxSize', { value: 230 * 4 * 8 });
  const found = await runCell(backend, 'float32', cells.lstm, setting);
  expect(worstError(found, exact)).toBeLessThan(1e-5);
  expect([backend.memory().storages, backend.device.arrays]).toEqual([0, 0]);
});

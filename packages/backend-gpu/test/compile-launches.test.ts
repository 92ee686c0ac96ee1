import { noGrad, scan, setBackend, zeros, type Tensor } from '@rnn/core';
import { expect, test } from 'vitest';
import type { DeviceBackend } from '../src/backend.js';
import { backendWith } from './compile-backend.js';
import { cells, runCell, type TestCell } from './compile-cells.js';

const steps = 48;
const sizes = { rows: 2, inputs: 3, units: 4 };

/** Launches for a step of inference, all that comes before and after the loop included. */
function forwardLaunches(backend: DeviceBackend, cell: TestCell): number {
  setBackend(backend);
  const weights = cell.weights(sizes.inputs, sizes.units).map((shape) => zeros(shape));
  const x = zeros([steps, sizes.rows, sizes.inputs]);
  const state = Array.from({ length: cell.states }, () => zeros([sizes.rows, sizes.units]));
  const before = backend.counters.launches;
  noGrad(() => scan((input: Tensor, states: readonly Tensor[]) => cell.step(weights, input, states), x, state));
  return (backend.counters.launches - before) / steps;
}

/** The same for the forward pass with what is kept, the loss, and the gradients of everything. */
async function trainingLaunches(backend: DeviceBackend, cell: TestCell): Promise<number> {
  const before = backend.counters.launches;
  await runCell(backend, 'float32', cell, { steps, ...sizes });
  return (backend.counters.launches - before) / steps;
}

test.each([
  ['rnn', 14, { forward: 1.2, training: 3.8 }],
  ['rnn', 7, { forward: 1.3, training: 3.8 }],
  ['lstm', 14, { forward: 2.2, training: 5 }],
  ['lstm', 7, { forward: 2.3, training: 5.1 }],
  ['gru', 14, { forward: 2.2, training: 5 }],
  ['gru', 7, { forward: 2.3, training: 5 }],
  // three reductions or products after one another in either normalisation
  ['layerNormLstm', 14, { forward: 6.3, training: 13.5 }],
  ['layerNormLstm', 7, { forward: 6.4, training: 13.5 }],
  ['attentive', 14, { forward: 4.2, training: 7.8 }],
  ['attentive', 7, { forward: 4.3, training: 7.9 }],
] as const)('launches for a step of %s, up to %i operands a kernel', async (name, maxTensors, most) => {
  const backend = await backendWith('cpu', maxTensors);
  expect(forwardLaunches(backend, cells[name])).toBeLessThanOrEqual(most.forward);
  expect(await trainingLaunches(backend, cells[name])).toBeLessThanOrEqual(most.training);
});

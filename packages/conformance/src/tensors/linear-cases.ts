/**
 * The linear recurrence `h_t = a_t h_(t-1) + b_t`, step by step and by blocks of time, against a
 * loop in plain float64.
 */
import * as fc from 'fast-check';
import { associativeScan, fromData, mul, scope, sum, type Tensor } from '@rnn/core';
import type { ConformanceCase } from '../case.js';
import { hostArrayOf } from '../plain/rounding.js';
import { defineProperty } from '../property.js';
import { filled, seeds } from './operation.js';

/** Both ways are held to the same bound, far below that of 1e-5 between them. */
const TOLERANCE = 4e-6;

const examples = fc.record({
  seed: seeds,
  steps: fc.oneof(fc.integer({ min: 1, max: 7 }), fc.constantFrom(16, 17, 130, 1000)),
  width: fc.constantFrom(1, 2, 3, 5),
  reverse: fc.boolean(),
  parallel: fc.boolean(),
});

type Example = typeof examples extends fc.Arbitrary<infer E> ? E : never;

/** Values and gradients of the recurrence. */
export function linearCases(): ConformanceCase[] {
  return [
    defineProperty(
      'scan',
      'associativeScan, forward and backward',
      examples,
      async (example, checks, { backend }) => {
        const { steps, width, parallel, reverse } = example;
        const operands = filled(
          example.seed,
          { min: -0.9, max: 0.9 },
          [steps, width],
          [steps, width],
          [width],
          [steps, width],
        );
        const results = scope(() => {
          const [a, b, initial, weights] = operands.map(({ data, shape }) =>
            fromData(hostArrayOf('float32', data), shape, { backend, requiresGrad: true }),
          );
          const result = associativeScan(a, b, { initial, reverse, parallel });
          sum(mul(result, weights.detach())).backward();
          return [result.detach(), ...[a, b, initial].map((leaf) => (leaf.grad as Tensor).clone())];
        });
        try {
          const expected = plain(
            example,
            operands.map(({ data }) => data),
          );
          for (const [i, what] of ['states', 'gradient of a', 'gradient of b', 'gradient of initial'].entries()) {
            const got = results[i];
            const shape = i === 3 ? [width] : [steps, width];
            if (!checks.shape(what, got.shape, shape)) return;
            checks.close(what, await got.data(), expected[i], shape, { tolerance: TOLERANCE });
          }
        } finally {
          for (const tensor of results) tensor.dispose();
        }
      },
      { share: 0.5 },
    ),
  ];
}

/**
 * States and gradients by two loops: dL/dh_t is the weight of h_t and what the next step hands
 * back.
 */
function plain(
  { steps, width, reverse }: Example,
  [a, b, initial, weights]: readonly ArrayLike<number>[],
): readonly Float64Array[] {
  const [states, ofA, ofB] = [0, 0, 0].map(() => new Float64Array(steps * width));
  const ofInitial = new Float64Array(width);
  for (let j = 0; j < width; j++) {
    const at = (t: number): number => (reverse ? steps - 1 - t : t) * width + j;
    for (let t = 0; t < steps; t++) states[at(t)] = a[at(t)] * (t === 0 ? initial[j] : states[at(t - 1)]) + b[at(t)];
    let back = 0;
    for (let t = steps - 1; t >= 0; t--) {
      ofB[at(t)] = weights[at(t)] + back;
      ofA[at(t)] = ofB[at(t)] * (t === 0 ? initial[j] : states[at(t - 1)]);
      back = a[at(t)] * ofB[at(t)];
    }
    ofInitial[j] = back;
  }
  return [states, ofA, ofB, ofInitial];
}

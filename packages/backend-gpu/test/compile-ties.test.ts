/**
 * Derivatives that compare: an extreme's gradient goes where the operand equals it. `cpu` computes
 * in float64 within a kernel and stores float32, as a card may contract a*b + c in one kernel and
 * not in another: what is computed again differs from what was stored.
 */
import { cpu } from '@rnn/backend-cpu';
import { compileFn, grad, setBackend, tensor, type Backend, type Tensor } from '@rnn/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gpu } from '../src/index.js';

let backends: readonly Backend[];

beforeAll(async () => {
  backends = [await gpu({ mode: 'cpu' }), await cpu()];
});
afterAll(async () => {
  for (const backend of backends) await backend.dispose();
});

type Weights = { readonly v: Tensor };

/** By hand: the gradient of v is x where x * v is the extreme, and 0 elsewhere. */
test.each([
  ['amax', (y: Tensor) => y.amax(-1, true), [0, 0.9, 0]],
  ['amin', (y: Tensor) => y.amin(-1, true), [0.3, 0, 0]],
] as const)(
  'the gradient of %s of a product is exact where the product is computed again',
  async (_, extreme, expected) => {
    for (const backend of backends) {
      setBackend(backend);
      const v = tensor([0.1, 0.7, 0.3], { requiresGrad: true });
      const x = tensor([[0.3, 0.9, 0.5]]);
      const f = compileFn(([input]: readonly [Tensor], { v: weight }: Weights) => extreme(input.mul(weight)), {
        compile: 'required',
      });
      const [gradient] = grad(f([x], { v }).sum(), [v]);
      expect(Array.from(await gradient.data())).toEqual(expected.map(Math.fround));
    }
  },
);

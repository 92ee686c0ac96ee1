/** The loop over time on a backend against the same loop in plain float64, forward and backward. */
import * as fc from 'fast-check';
import { add, fromData, matmul, mul, scan, scope, sum, tanh, type Backend, type Tensor } from '@rnn/core';
import type { ConformanceCase } from '../case.js';
import { hostArrayOf } from '../plain/rounding.js';
import { combined, joined, picked, PlainTensor, product } from '../plain/plain-tensor.js';
import { defineProperty } from '../property.js';
import { linearCases } from './linear-cases.js';
import { filled, seeds } from './operation.js';

/**
 * A cell `h' = tanh(x W + h U + b)`, `y = h' h`, over sequences of their own lengths, with fresh
 * starts.
 */
interface Example {
  readonly steps: number;
  readonly batch: number;
  readonly reverse: boolean;
  readonly lengths: readonly number[] | undefined;
  /** [T][B], 1 where a row starts afresh. */
  readonly resets: readonly (readonly number[])[] | undefined;
  /** x [T, B, I], h [B, H], W [I, H], U [H, H], b [H] */
  readonly operands: readonly PlainTensor[];
}

const TOLERANCE = 4e-6;
const STEP = 1e-5;
const weight = (i: number): number => Math.fround(0.5 + ((i * 7) % 11) / 11);

const examples: fc.Arbitrary<Example> = fc
  .record({
    seed: seeds,
    steps: fc.integer({ min: 1, max: 5 }),
    batch: fc.integer({ min: 1, max: 3 }),
    width: fc.constantFrom(1, 2, 3),
    reverse: fc.boolean(),
    uneven: fc.boolean(),
    afresh: fc.boolean(),
  })
  .chain(({ seed, steps, batch, width, reverse, uneven, afresh }) => {
    const list = <T>(value: fc.Arbitrary<T>, length: number): fc.Arbitrary<T[]> =>
      fc.array(value, { minLength: length, maxLength: length });
    return fc.record({
      steps: fc.constant(steps),
      batch: fc.constant(batch),
      reverse: fc.constant(reverse),
      lengths: uneven ? list(fc.nat({ max: steps }), batch) : fc.constant(undefined),
      resets: afresh ? list(list(fc.constantFrom(0, 0, 1), batch), steps) : fc.constant(undefined),
      operands: fc.constant(
        filled(seed, { min: -1, max: 1 }, [steps, batch, 2], [batch, width], [2, width], [width, width], [width]),
      ),
    });
  });

/** Loops of every kind. */
export function scanCases(): ConformanceCase[] {
  return [
    defineProperty('scan', 'a cell over time, forward and backward', examples, checkExample, { share: 0.5 }),
    ...linearCases(),
  ];
}

async function checkExample(
  example: Example,
  checks: Parameters<Parameters<typeof defineProperty<Example>>[3]>[1],
  { backend }: { readonly backend: Backend },
): Promise<void> {
  const { outputs, grads } = scope(() => recorded(example, backend));
  try {
    const plain = plainScan(example, example.operands);
    for (const [i, what] of (['ys', 'last'] as const).entries()) {
      if (!checks.shape(what, outputs[i].shape, plain[i].shape)) return;
      checks.close(what, await outputs[i].data(), plain[i].data, plain[i].shape, { tolerance: TOLERANCE });
    }
    for (const [i, grad] of grads.entries()) {
      const { shape, size } = example.operands[i];
      const got = (await grad?.data()) ?? new Float32Array(size);
      checks.close(`the gradient of operand ${i}`, got, numericGradient(example, i), shape, { tolerance: TOLERANCE });
    }
  } finally {
    for (const tensor of [...outputs, ...grads]) tensor?.dispose();
  }
}

function recorded(
  { reverse, lengths, resets, operands }: Example,
  backend: Backend,
): { outputs: Tensor[]; grads: (Tensor | undefined)[] } {
  const put = (x: PlainTensor, requiresGrad: boolean): Tensor =>
    fromData(hostArrayOf('float32', x.data), x.shape, { backend, requiresGrad });
  const leaves = operands.map((x) => put(x, true));
  const [xs, h0, w, u, b] = leaves;
  const [ys, last] = scan(
    (x: Tensor, h: Tensor) => {
      const next = tanh(add(add(matmul(x, w), matmul(h, u)), b));
      return [mul(next, h), next];
    },
    xs,
    h0,
    { lengths, reverse, resets },
  );
  const losses = [ys, last].map((result) => {
    const numbers = Array.from({ length: result.size }, (_, i) => weight(i));
    return sum(mul(result, put(new PlainTensor(result.shape, numbers), false)));
  });
  add(losses[0], losses[1]).backward();
  return { outputs: [ys, last], grads: leaves.map(({ grad }) => grad?.detach()) };
}

/** The rows of a time step. */
function rowsAt(xs: PlainTensor, t: number): PlainTensor {
  return picked(xs, 0, [t]).reshaped(xs.shape.slice(1));
}

/** Row by row from one of two tensors. */
function chosen(rows: readonly boolean[], a: PlainTensor, b: PlainTensor): PlainTensor {
  return PlainTensor.from(a.shape, (index) => (rows[index[0]] ? a : b).at(index));
}

function plainScan(
  { steps, batch, reverse, lengths, resets }: Example,
  [xs, h0, w, u, b]: readonly PlainTensor[],
): [ys: PlainTensor, last: PlainTensor] {
  const rows = Array.from({ length: batch }, (_, row) => row);
  let h = h0;
  const ys: PlainTensor[] = [];
  for (let i = 0; i < steps; i++) {
    const t = reverse ? steps - 1 - i : i;
    const going = rows.map((row) => lengths === undefined || t < lengths[row]);
    const afresh = rows.map((row) => going[row] && resets !== undefined && resets[t][row] !== 0);
    const before = chosen(afresh, h0, h);
    const sums = combined((p, q, r) => p + q + r, product(rowsAt(xs, t), w), product(before, u), b);
    const next = sums.map(Math.tanh);
    const y = combined((p, q) => p * q, next, before);
    ys[t] = chosen(
      going,
      y,
      y.map(() => 0),
    ).reshaped([1, ...y.shape]);
    h = chosen(going, next, h);
  }
  return [joined(ys, 0), h];
}

/** Central differences of the weighted sum of all results. */
function numericGradient(example: Example, which: number): number[] {
  const loss = (x: PlainTensor): number =>
    plainScan(
      example,
      example.operands.map((operand, i) => (i === which ? x : operand)),
    ).reduce((total, { data }) => data.reduce((part, value, i) => part + value * weight(i), total), 0);
  const x = example.operands[which];
  return x.data.map((_, i) => (loss(x.nudged(i, STEP)) - loss(x.nudged(i, -STEP))) / (2 * STEP));
}

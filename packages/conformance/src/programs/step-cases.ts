/** Random steps by `scan`, compiled where it can and step by step, against a loop by hand. */
import * as fc from 'fast-check';
import { fromData, manualSeed, scan, scope, stack, type Backend, type Shape, type Tensor } from '@rnn/core';
import type { ConformanceCase } from '../case.js';
import type { Checks } from '../checks.js';
import type { PlainTensor } from '../plain/plain-tensor.js';
import { defineProperty } from '../property.js';
import { filled, seeds } from '../tensors/operation.js';
import { randomSteps, runStep, WIDTH, type RandomStep } from './random-step.js';

const TOLERANCE = 4e-5;

interface Example {
  readonly steps: readonly RandomStep[];
  readonly seed: number;
  readonly count: number;
  readonly rows: number;
  readonly reverse: boolean;
  readonly lengths: readonly number[] | undefined;
}

/** Several steps that differ in little, one after another. */
export function stepCases(): ConformanceCase[] {
  const sizes = {
    seed: seeds,
    count: fc.integer({ min: 1, max: 4 }),
    rows: fc.integer({ min: 1, max: 4 }),
    reverse: fc.boolean(),
  };
  const whole: fc.Arbitrary<Example> = fc.record({
    steps: randomSteps(false),
    lengths: fc.constant(undefined),
    ...sizes,
  });
  const padded: fc.Arbitrary<Example> = fc
    .record({ steps: randomSteps(true), ...sizes })
    .chain((example) =>
      fc
        .array(fc.nat({ max: example.count }), { minLength: example.rows, maxLength: example.rows })
        .map((lengths) => ({ ...example, lengths })),
    );
  return [
    defineProperty('programs', 'random steps: as a loop by hand', whole, compare, { share: 0.5 }),
    defineProperty('programs', 'random steps with lengths: as a loop by hand, row by row', padded, compare, {
      share: 0.5,
    }),
  ];
}

/** What a loop works on. */
interface Leaves {
  readonly x: Tensor;
  readonly h: Tensor;
  readonly w: Tensor;
  readonly W: Tensor;
}

type Run = (step: RandomStep, leaves: Leaves, example: Example) => [ys: Tensor, last: Tensor];

async function compare(example: Example, checks: Checks, { backend }: { readonly backend: Backend }): Promise<void> {
  for (const [i, step] of example.steps.entries()) {
    const expected = await outcome(step, byHand, example, backend);
    for (const compile of ['auto', 'never'] as const) {
      const run: Run = (each, { x, h, w, W }, { lengths, reverse }) =>
        scan((xt: Tensor, state: Tensor) => runStep(each, xt, state, { w, W }), x, h, { lengths, reverse, compile });
      const found = await outcome(step, run, example, backend);
      found.forEach(({ name, data, shape }, k) => {
        checks.close(`${name} of step ${i}, compile: '${compile}'`, data, expected[k].data, shape, {
          tolerance: TOLERANCE,
        });
      });
    }
  }
}

/** Results and gradients of one run, as numbers. */
async function outcome(
  step: RandomStep,
  run: Run,
  example: Example,
  backend: Backend,
): Promise<{ name: string; data: ArrayLike<number>; shape: Shape }[]> {
  const { seed, count, rows } = example;
  const shapes = [[count, rows, WIDTH], [rows, WIDTH], [WIDTH], [WIDTH, WIDTH]];
  const [x, h, w, W] = filled(seed, { min: -1, max: 1 }, ...shapes).map((values) => leafOf(values, backend));
  // Away from zero, where logarithm and quotient are steep.
  const [xs] = filled(seed, { min: -1, max: 1 }, shapes[0]);
  const far = scope(() =>
    fromData(
      Float32Array.from(xs.data, (v) => v + Math.sign(v || 1) * 0.3),
      shapes[0],
      { backend },
    ).keep(),
  );
  x.copy_(far);
  far.dispose();
  const leaves = { x, h, w, W };
  manualSeed(seed % 1000);
  const results = scope(() => {
    const [ys, last] = run(step, leaves, example);
    const loss = ys.mul(ys).sum().add(last.sum());
    if (loss.requiresGrad) loss.backward();
    return [ys.detach(), last.detach()];
  });
  const named: [name: string, tensor: Tensor | undefined, shape: Shape][] = [
    ['output', results[0], results[0].shape],
    ['last', results[1], results[1].shape],
    ...Object.entries(leaves).map(([name, leaf]): [string, Tensor | undefined, Shape] => [
      `the gradient of ${name}`,
      leaf.grad,
      leaf.shape,
    ]),
  ];
  const read = [];
  for (const [name, tensor, shape] of named) {
    const data = (await tensor?.data()) ?? new Float32Array(shape.reduce((size, n) => size * n, 1));
    read.push({ name, data, shape });
  }
  for (const tensor of [...results, x, h, w, W]) tensor.dispose();
  return read;
}

/** All rows at once where they are of one length, else each by itself, as long as it is. */
const byHand: Run = (step, { x, h, w, W }, { lengths, count, rows, reverse }) => {
  const loop = (xs: Tensor, state: Tensor, length: number): [ys: Tensor[], last: Tensor] => {
    const ys: Tensor[] = [];
    let current = state;
    for (let n = 0; n < length; n++) {
      const t = reverse ? length - 1 - n : n;
      const [y, next] = runStep(step, xs.select(0, t), current, { w, W });
      ys[t] = y;
      current = next;
    }
    return [ys, current];
  };
  if (lengths === undefined) {
    const [ys, last] = loop(x, h, count);
    return [stack(ys), last];
  }
  const each = Array.from({ length: rows }, (_, row) => {
    const [ys, last] = loop(x.narrow(1, row, 1), h.narrow(0, row, 1), lengths[row]);
    while (ys.length < count) ys.push(h.narrow(0, row, 1).detach().mul(0));
    return [stack(ys).squeeze(1), last.squeeze(0)];
  });
  return [
    stack(
      each.map(([ys]) => ys),
      1,
    ),
    stack(each.map(([, last]) => last)),
  ];
};

function leafOf({ data, shape }: PlainTensor, backend: Backend): Tensor {
  return fromData(Float32Array.from(data), shape, { backend, requiresGrad: true }).keep();
}

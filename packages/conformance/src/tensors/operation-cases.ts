/** Operations of core on a backend, and their derivatives, against plain float64. */
import * as fc from 'fast-check';
import { fromData, noGrad, scope, type Backend, type DType, type Tensor } from '@rnn/core';
import type { ConformanceCase } from '../case.js';
import type { Checks } from '../checks.js';
import { without } from '../kernels/storage-checks.js';
import { hostArrayOf } from '../plain/rounding.js';
import type { PlainTensor } from '../plain/plain-tensor.js';
import { defineProperty } from '../property.js';
import { composedOperations } from './composed-operations.js';
import { elementwiseOperations } from './elementwise-operations.js';
import { indexingOperations } from './indexing-operations.js';
import { movementOperations } from './movement-operations.js';
import type { Call, Operation } from './operation.js';
import { orderOperations } from './order-operations.js';
import { reductionOperations } from './reduction-operations.js';

type Floating = 'float32' | 'float64';

/**
 * Numbers of some units and sums of a few terms: rounding of float32 stays below; see
 * `arithmeticTolerance` for float64.
 */
const resultTolerance: Readonly<Record<Floating, number>> = { float32: 2e-6, float64: 1e-12 };
/** A derivative is several roundings, and the central difference itself is exact to about 1e-9. */
const gradientTolerance: Readonly<Record<Floating, number>> = { float32: 4e-6, float64: 1e-8 };
const STEP = 1e-5;

/** Every operation, forward and backward. */
export function operationCases(): ConformanceCase[] {
  const operations = [
    ...elementwiseOperations(),
    ...reductionOperations(),
    ...movementOperations(),
    ...indexingOperations(),
    ...composedOperations(),
    ...orderOperations(),
  ];
  const types = ['float32', 'float64'] as const;
  return [
    ...types.flatMap((dtype) => operations.map((operation) => resultCase(operation, dtype))),
    ...types.flatMap((dtype) =>
      operations.filter(({ differentiable }) => differentiable).map((operation) => gradientCase(operation, dtype)),
    ),
  ];
}

/** A tensor with the numbers of a plain one. */
function onBackend(x: PlainTensor, dtype: DType, backend: Backend, requiresGrad = false): Tensor {
  return fromData(hostArrayOf(dtype, x.data), x.shape, { dtype, backend, requiresGrad });
}

const listOf = <T>(value: T | readonly T[]): readonly T[] =>
  Array.isArray(value) ? (value as readonly T[]) : [value as T];

/** Makes a call readable in a report. */
function shown(calls: fc.Arbitrary<Call>): fc.Arbitrary<Call> {
  return calls.map((call) => ({
    ...call,
    [fc.toStringMethod]: () => [call.words, ...call.inputs.map(String), ...(call.indices ?? []).map(String)].join('; '),
  }));
}

function resultCase({ name, calls, exempt }: Operation, dtype: Floating): ConformanceCase {
  return defineProperty(
    'operation',
    `${name} ${dtype}`,
    shown(calls),
    async (call, checks, { backend }) => {
      const results = noGrad(() =>
        scope(() => {
          const { inputs, indices } = operands(call, dtype, backend, false);
          return listOf(call.ours(inputs, indices));
        }),
      );
      try {
        await compare(checks, results, listOf(call.plain(call.inputs)), resultTolerance[dtype]);
      } finally {
        for (const result of results) result.dispose();
      }
    },
    { exempt: (info) => without(dtype)(info) ?? exempt?.(info) },
  );
}

function operands(
  call: Call,
  dtype: DType,
  backend: Backend,
  requiresGrad: boolean,
): { inputs: Tensor[]; indices: Tensor[] } {
  return {
    inputs: call.inputs.map((x) => onBackend(x, dtype, backend, requiresGrad)),
    indices: (call.indices ?? []).map((x) => onBackend(x, 'int32', backend)),
  };
}

async function compare(
  checks: Checks,
  results: readonly Tensor[],
  expected: readonly PlainTensor[],
  tolerance: number,
): Promise<void> {
  checks.fact(`${results.length} results, expected ${expected.length}`, results.length === expected.length);
  for (const [i, result] of results.entries()) {
    const what = results.length === 1 ? 'result' : `results[${i}]`;
    if (!checks.shape(what, result.shape, expected[i].shape)) continue;
    const exact = result.dtype === 'int32';
    checks.close(what, await result.data(), expected[i].data, result.shape, {
      tolerance: exact ? 0 : tolerance,
      exact,
    });
  }
}

/**
 * Weights of the scalar loss: they differ from element to element, so that errors cannot cancel.
 */
const weight = (i: number): number => Math.fround(0.5 + ((i * 7) % 11) / 11);

/** The gradients of one call. */
interface Gradients {
  /** For each result, whether it has a gradient: positions have none. */
  readonly counted: readonly boolean[];
  /** For each input; `undefined` where nothing arrived, which means 0. */
  readonly grads: readonly (Tensor | undefined)[];
}

function gradientCase({ name, calls, exempt }: Operation, dtype: Floating): ConformanceCase {
  return defineProperty(
    'gradient',
    `${name} ${dtype}`,
    shown(calls),
    async (call, checks, { backend }) => {
      const { counted, grads } = scope(() => recordedGradients(call, dtype, backend));
      try {
        for (const [i, grad] of grads.entries()) {
          const what = `the gradient of input ${i}`;
          const { shape, size } = call.inputs[i];
          const expected = numericGradient(call, i, counted);
          if (grad !== undefined && !checks.shape(what, grad.shape, shape)) continue;
          const got = (await grad?.data()) ?? new Float64Array(size);
          checks.close(what, got, expected, shape, { tolerance: gradientTolerance[dtype] });
        }
      } finally {
        for (const grad of grads) grad?.dispose();
      }
    },
    { exempt: (info) => without(dtype)(info) ?? exempt?.(info), share: 0.25 },
  );
}

function recordedGradients(call: Call, dtype: Floating, backend: Backend): Gradients {
  const { inputs, indices } = operands(call, dtype, backend, true);
  const results = listOf(call.ours(inputs, indices));
  const losses = results
    .filter(({ requiresGrad }) => requiresGrad)
    .map((result) => {
      const weights = Array.from({ length: result.size }, (_, i) => weight(i));
      return result.mul(fromData(hostArrayOf(dtype, weights), result.shape, { backend })).sum();
    });
  losses.reduce((sum, loss) => sum.add(loss)).backward();
  return { counted: results.map(({ requiresGrad }) => requiresGrad), grads: inputs.map(({ grad }) => grad?.detach()) };
}

/** Central differences of the weighted sum of all results. */
function numericGradient(call: Call, which: number, counted: readonly boolean[]): number[] {
  const loss = (x: PlainTensor): number =>
    listOf(call.plain(call.inputs.map((input, i) => (i === which ? x : input))))
      .filter((_, i) => counted[i])
      .reduce((sum, { data }) => data.reduce((part, value, i) => part + value * weight(i), sum), 0);
  const x = call.inputs[which];
  return x.data.map((_, i) => (loss(x.nudged(i, STEP)) - loss(x.nudged(i, -STEP))) / (2 * STEP));
}

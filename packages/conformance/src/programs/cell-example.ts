/** A cell over a sequence, with everything that it works on. */
import * as fc from 'fast-check';
import { add, fromData, manualSeed, mul, noGrad, scan, scope, sum, type Backend, type Tensor } from '@rnn/core';
import { PlainTensor } from '../plain/plain-tensor.js';
import { filled, seeds } from '../tensors/operation.js';
import type { CellKind, ListCell } from './cell-kinds.js';

/** Sizes and the kind of a run. */
export interface CellExample {
  readonly seed: number;
  readonly steps: number;
  readonly batch: number;
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly reverse: boolean;
  readonly lengths: readonly number[] | undefined;
  /** [T][B], 1 where a row starts afresh. */
  readonly resets: readonly (readonly number[])[] | undefined;
}

/** What came of a run. */
export interface Outcome {
  /** Outputs, last states, then the gradients of input, initial states and parameters. */
  readonly results: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: ArrayLike<number>;
  }[];
}

/** How a run differs from the usual one. */
export interface Course {
  /** By single operations. */
  readonly eager?: boolean;
  /** What stands past the end of each row; what the input has there otherwise. */
  readonly padding?: (position: number) => number;
}

/** Examples for a kind of cell. */
export function cellExamples(
  { normalizes = false }: CellKind,
  always: { lengths?: boolean } = {},
): fc.Arbitrary<CellExample> {
  return fc
    .record({
      seed: seeds,
      steps: fc.integer({ min: 1, max: 6 }),
      batch: fc.constantFrom(1, 2, 3, 5, 9),
      inputSize: fc.constantFrom(1, 2, 5),
      hiddenSize: normalizes ? fc.constantFrom(8, 9, 17) : fc.constantFrom(1, 2, 3, 8, 9, 17),
      reverse: fc.boolean(),
      uneven: always.lengths === true ? fc.constant(true) : fc.boolean(),
      afresh: fc.boolean(),
    })
    .chain(({ uneven, afresh, ...rest }) => {
      const { steps, batch } = rest;
      const list = <T>(value: fc.Arbitrary<T>, length: number): fc.Arbitrary<T[]> =>
        fc.array(value, { minLength: length, maxLength: length });
      const length = fc.oneof(fc.constantFrom(0, steps), fc.nat({ max: steps }));
      return fc
        .record({
          lengths: uneven ? list(length, batch) : fc.constant(undefined),
          resets: afresh ? list(list(fc.constantFrom(0, 0, 1), batch), steps) : fc.constant(undefined),
        })
        .map((rows) => ({ ...rest, ...rows }));
    });
}

/** Runs a cell over a sequence and back, and reads everything. Nothing stays on the backend. */
export async function runCell(
  kind: CellKind,
  example: CellExample,
  backend: Backend,
  { eager = false, padding }: Course = {},
): Promise<Outcome> {
  const { seed, steps, batch, inputSize, hiddenSize, lengths, resets, reverse } = example;
  const widths = kind.widths(hiddenSize);
  const cell = kind.make(inputSize, hiddenSize, backend);
  const leaves: Tensor[] = [];
  try {
    const parameters = cell.namedParameters();
    const spread = 1 / Math.sqrt(hiddenSize);
    const weights = filled(seed, { min: -spread, max: spread }, ...parameters.map(([, { shape }]) => shape));
    scope(() => parameters.forEach(([, parameter], i) => void parameter.copy_(put(weights[i], backend))));
    const [xs, ...initial] = filled(
      seed + 1,
      { min: -1, max: 1 },
      [steps, batch, inputSize],
      ...widths.map((width) => [batch, width]),
    );
    const leaf = (values: PlainTensor): Tensor => {
      const tensor = put(values, backend).keep();
      tensor.requiresGrad = true;
      leaves.push(tensor);
      return tensor;
    };
    const x = leaf(padding === undefined ? xs : padded(xs, lengths, padding));
    const states = initial.map(leaf);
    const step = stepOf(cell);
    const compile = eager ? 'never' : 'required';
    const options = { lengths, resets, reverse, compile } as const;
    manualSeed(seed);
    const outputs = scope(() => {
      const [ys, last] = scan(step, x, states, options);
      const made = [ys, ...last];
      made
        .map((result, i) => sum(mul(result, put(weightsLike(result.shape, i), backend))))
        .reduce((a, b) => add(a, b))
        .backward();
      return made.map((tensor) => tensor.detach());
    });
    const named: [name: string, tensor: Tensor | undefined, shape: readonly number[]][] = [
      ...outputs.map((tensor, i): [string, Tensor, readonly number[]] => [
        i === 0 ? 'output' : `last[${i - 1}]`,
        tensor,
        tensor.shape,
      ]),
      ...leaves.map((tensor, i): [string, Tensor | undefined, readonly number[]] => [
        i === 0 ? 'the gradient of the input' : `the gradient of state[${i - 1}]`,
        tensor.grad,
        tensor.shape,
      ]),
      ...parameters.map(([name, tensor]): [string, Tensor | undefined, readonly number[]] => [
        `the gradient of ${name}`,
        tensor.grad,
        tensor.shape,
      ]),
    ];
    const results = [];
    for (const [name, tensor, shape] of named) {
      // No gradient arrived: it is zero.
      const data = (await tensor?.data()) ?? new Float32Array(shape.reduce((product, size) => product * size, 1));
      results.push({ name, shape, data });
    }
    for (const tensor of outputs) tensor.dispose();
    return { results };
  } finally {
    for (const tensor of leaves) tensor.dispose();
    cell.dispose();
  }
}

type Step = (x: Tensor, state: readonly Tensor[]) => readonly [Tensor, readonly Tensor[]];

function stepOf(cell: ListCell): Step {
  return (x, state) => {
    const next = cell.forward(x, state);
    return [next[0], next];
  };
}

function put({ data, shape }: PlainTensor, backend: Backend): Tensor {
  return noGrad(() => fromData(Float32Array.from(data), shape, { backend }));
}

/** Weights of the loss, all different. */
function weightsLike(shape: readonly number[], salt: number): PlainTensor {
  let i = salt;
  return PlainTensor.from(shape, () => Math.fround(0.5 + ((i++ * 7) % 11) / 11));
}

/** `[T, B, I]` with something else past the end of each row. */
function padded(xs: PlainTensor, lengths: readonly number[] | undefined, padding: (i: number) => number): PlainTensor {
  let i = 0;
  return PlainTensor.from(xs.shape, (index) =>
    lengths !== undefined && index[0] >= lengths[index[1]] ? padding(i++) : xs.at(index),
  );
}

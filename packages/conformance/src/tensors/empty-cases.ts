/**
 * Tensors without elements, through every kind of operation. Core answers for the kernels; a
 * backend only stores nothing.
 */
import {
  add,
  concat,
  gather,
  indexSelect,
  matmul,
  mean,
  permute,
  reshape,
  scope,
  slice,
  softmax,
  stack,
  sum,
  tanh,
  zeros,
  type Backend,
  type Tensor,
} from '@rnn/core';
import { defineCase, type ConformanceCase } from '../case.js';

interface EmptyCase {
  readonly name: string;
  readonly run: (backend: Backend) => Tensor;
  readonly shape: readonly number[];
  /** What the elements are, where the result has any. */
  readonly value?: number;
}

const none = (backend: Backend, ...shape: number[]): Tensor => zeros(shape, { backend });

const cases: readonly EmptyCase[] = [
  { name: 'add with broadcasting', run: (b) => add(none(b, 0, 3), none(b, 1, 3)), shape: [0, 3] },
  { name: 'tanh', run: (b) => tanh(none(b, 2, 0)), shape: [2, 0] },
  { name: 'sum of nothing is 0', run: (b) => sum(none(b, 0, 3), 0), shape: [3], value: 0 },
  { name: 'sum of all of nothing is 0', run: (b) => sum(none(b, 0)), shape: [], value: 0 },
  { name: 'mean of nothing is NaN', run: (b) => mean(none(b, 0)), shape: [], value: NaN },
  { name: 'sum along another dimension', run: (b) => sum(none(b, 0, 3), 1), shape: [0] },
  {
    name: 'matmul over an empty dimension is 0',
    run: (b) => matmul(none(b, 2, 0), none(b, 0, 3)),
    shape: [2, 3],
    value: 0,
  },
  { name: 'matmul without rows', run: (b) => matmul(none(b, 0, 2), none(b, 2, 3)), shape: [0, 3] },
  { name: 'concat with an empty part', run: (b) => concat([none(b, 0, 3), none(b, 2, 3)], 0), shape: [2, 3], value: 0 },
  { name: 'concat of empty parts', run: (b) => concat([none(b, 0, 3), none(b, 0, 3)], 1), shape: [0, 6] },
  { name: 'stack', run: (b) => stack([none(b, 0), none(b, 0)]), shape: [2, 0] },
  { name: 'permute', run: (b) => permute(none(b, 2, 0, 3), [2, 0, 1]), shape: [3, 2, 0] },
  { name: 'reshape', run: (b) => reshape(none(b, 2, 0), [0, 5]), shape: [0, 5] },
  { name: 'slice down to nothing', run: (b) => slice(none(b, 4, 2), 0, 3, 1), shape: [0, 2] },
  { name: 'softmax over one of two dimensions', run: (b) => softmax(none(b, 0, 3), 1), shape: [0, 3] },
  {
    name: 'indexSelect of no places',
    run: (b) => indexSelect(none(b, 4, 2), 0, zeros([0], { dtype: 'int32', backend: b })),
    shape: [0, 2],
  },
  {
    name: 'gather of no places',
    run: (b) => gather(none(b, 4, 2), 0, zeros([0, 2], { dtype: 'int32', backend: b })),
    shape: [0, 2],
  },
];

/** What comes of tensors without elements. */
export function emptyCases(): ConformanceCase[] {
  return cases.map(({ name, run, shape, value = 0 }) =>
    defineCase('empty', name, async (checks, { backend }) => {
      const result = scope(() => run(backend));
      try {
        if (!checks.shape('result', result.shape, shape)) return;
        const expected = Array.from({ length: result.size }, () => value);
        checks.close('result', await result.data(), expected, shape, { tolerance: 0 });
      } finally {
        result.dispose();
      }
    }),
  );
}

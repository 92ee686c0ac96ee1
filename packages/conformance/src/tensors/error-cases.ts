/**
 * Wrong calls end in a named error before any kernel runs, whatever the backend, and leave nothing
 * behind.
 */
import {
  add,
  backward,
  concat,
  fromData,
  gather,
  indexSelect,
  matmul,
  mul,
  reshape,
  RnnError,
  scan,
  scope,
  sum,
  tensor,
  where,
  type Backend,
  type DType,
} from '@rnn/core';
import { defineCase, describeError, type CaseBody, type ConformanceCase } from '../case.js';
import { onFresh } from '../kernels/storage.js';

const floats = (backend: Backend, ...values: number[]) => tensor(values, { backend });
const places = (backend: Backend, ...values: number[]) => tensor(values, { backend, dtype: 'int32' });

interface WrongCall {
  readonly name: string;
  readonly code: string;
  readonly call: (backend: Backend) => unknown;
}

const calls: readonly WrongCall[] = [
  { name: 'shapes that do not broadcast', code: 'ERR_SHAPE', call: (b) => add(floats(b, 1, 2), floats(b, 1, 2, 3)) },
  { name: 'inner sizes that differ', code: 'ERR_SHAPE', call: (b) => matmul(floats(b, 1, 2), floats(b, 1, 2, 3)) },
  { name: 'a reshape to other elements', code: 'ERR_SHAPE', call: (b) => reshape(floats(b, 1, 2), [3]) },
  { name: 'a ragged list', code: 'ERR_SHAPE', call: (b) => tensor([[1, 2], [3]], { backend: b }) },
  { name: 'a size that is NaN', code: 'ERR_SHAPE', call: (b) => fromData([], [NaN], { backend: b }) },
  {
    name: 'a concat of different shapes',
    code: 'ERR_SHAPE',
    call: (b) => concat([floats(b, 1), reshape(floats(b, 1, 2), [2, 1])]),
  },
  { name: 'mixed types', code: 'ERR_MIXED_DTYPES', call: (b) => mul(floats(b, 1), places(b, 1)) },
  {
    name: 'mixed types in where',
    code: 'ERR_MIXED_DTYPES',
    call: (b) => where(floats(b, 1), floats(b, 1), places(b, 1)),
  },
  { name: 'an index of float32', code: 'ERR_DTYPE', call: (b) => gather(floats(b, 1, 2), 0, floats(b, 0)) },
  { name: 'an index out of range', code: 'ERR_ARGUMENT', call: (b) => indexSelect(floats(b, 1, 2), 0, places(b, 2)) },
  { name: 'a negative index', code: 'ERR_ARGUMENT', call: (b) => indexSelect(floats(b, 1, 2), 0, places(b, -1)) },
  { name: 'a dimension out of range', code: 'ERR_ARGUMENT', call: (b) => sum(floats(b, 1, 2), 1) },
  { name: 'lengths past the end', code: 'ERR_ARGUMENT', call: (b) => steps(b, [3]) },
  { name: 'a negative length', code: 'ERR_ARGUMENT', call: (b) => steps(b, [-1]) },
  { name: 'backward without a graph', code: 'ERR_AUTOGRAD', call: (b) => backward(floats(b, 1)) },
  {
    name: 'backward twice',
    code: 'ERR_AUTOGRAD',
    call: (b) => {
      const loss = sum(mul(tensor([1, 2], { backend: b, requiresGrad: true }), 2));
      backward(loss);
      backward(loss);
    },
  },
  {
    name: 'a tensor that was disposed of',
    code: 'ERR_DISPOSED',
    call: (b) => {
      const x = floats(b, 1);
      x.dispose();
      add(x, 1);
    },
  },
];

function steps(backend: Backend, lengths: readonly number[]): void {
  scan((x, h) => [h, add(x, h)], fromData([1, 2], [2, 1, 1], { backend }), fromData([0], [1, 1], { backend }), {
    lengths,
  });
}

/** Compares the code of the error that a call throws. */
function throws(checks: Parameters<CaseBody>[0], code: string, call: () => unknown): void {
  try {
    call();
    checks.fact(`no error was thrown, expected one with the code ${code}`, false);
  } catch (error) {
    checks.fact(`${describeError(error)}; expected the code ${code}`, error instanceof RnnError && error.code === code);
  }
}

/** Wrong calls, and types and backends that do not go together. */
export function errorCases(): ConformanceCase[] {
  const types: readonly DType[] = ['float32', 'float64', 'int32'];
  return [
    ...calls.map(({ name, code, call }) =>
      defineCase('error', name, (checks, { backend }) => throws(checks, code, () => scope(() => void call(backend)))),
    ),
    defineCase('error', 'tensors of two backends', (checks, { backend, create }) =>
      onFresh(create, async (other) =>
        throws(checks, 'ERR_MIXED_BACKENDS', () => scope(() => void add(floats(backend, 1), floats(other, 1)))),
      ),
    ),
    defineCase('error', 'a type that the backend does not declare', (checks, { backend }) => {
      for (const dtype of types) {
        const make = (): void => tensor([1], { backend, dtype }).dispose();
        if (backend.info.dtypes.includes(dtype)) make();
        else throws(checks, 'ERR_DTYPE', make);
      }
    }),
  ];
}

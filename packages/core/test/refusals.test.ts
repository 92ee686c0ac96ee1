import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  add, amax, AnomalyError, argmax, ArgumentError, AutogradError, BackendError, chunk, clamp, concat, DisposedError, div, DTypeError, exp, expand, flatten, flip, FormatError,
  gather, gradcheck, indexSelect, linear, logsumexp, matmul, max, mean, MemoryLimitError, mul, narrow, neg, oneHot, permute, pow, reshape, RnnError, scatterAdd, select, setBackend,
  ShapeError, slice, softmax, split, squeeze, stack, StateDictError, sum, t, tensor, to, TraceError, transpose, unbind, unsqueeze, where, zeros,
  type Backend, type DType, type Tensor,
} from '../src/index.js';

let backend: Backend;
let other: Backend;
beforeEach(async () => {
  backend = await cpu();
  other = await cpu();
  setBackend(backend);
});

const x = (): Tensor => tensor([[1, 2, 3], [4, 5, 6]]);
const v = (): Tensor => tensor([1, 2, 3]);
const one = (): Tensor => tensor(1);
const double = (): Tensor => tensor([1, 2, 3], { dtype: 'float64' });
const whole = (values: number[] | number[][] = [1, 2, 3]): Tensor => tensor(values, { dtype: 'int32' });
const elsewhere = (): Tensor => tensor([1, 2, 3], { backend: other });
const not = <T>(value: unknown): T => value as T;

/** A call, the code of its error, the argument at fault (if one is), and the message. */
type Refusal = readonly [call: () => unknown, code: string, argument: string | undefined, message: string];

function describeRefusals(title: string, refusals: readonly Refusal[]): void {
  describe(title, () => {
    test.each(refusals.map(([call, code, argument, message]) => ({ title: message, call, code, argument, message })))(
      '$title',
      ({ call, code, argument, message }) => {
        expect(call).toThrow(expect.objectContaining({ code, argument, message }));
        expect(call).toThrow(RnnError);
      },
    );
  });
}

const noTensor = 'expected a Tensor; make one with tensor(...)';

describeRefusals('elementwise', [
  [() => add(x(), tensor([1, 2])), 'ERR_SHAPE', undefined, 'add: shapes [2, 3] and [2] do not broadcast: dimension -1 is 3 in one and 2 in the other (equal sizes or 1 would fit)'],
  [() => mul(zeros([2, 1, 3]), zeros([4, 2])), 'ERR_SHAPE', undefined, 'mul: shapes [2, 1, 3] and [4, 2] do not broadcast: dimension -1 is 3 in one and 2 in the other (equal sizes or 1 would fit)'],
  [() => add(v(), double()), 'ERR_MIXED_DTYPES', undefined, "add: operands are of float32 and float64; expected one type, convert with .to('float32')"],
  [() => add(v(), whole()), 'ERR_MIXED_DTYPES', undefined, "add: operands are of float32 and int32; expected one type, convert with .to('float32')"],
  [() => add(v(), elsewhere()), 'ERR_MIXED_BACKENDS', undefined, "add: operands are on two different 'cpu' backends; move one with .to(backend)"],
  [() => add(whole(), 0.5), 'ERR_DTYPE', undefined, "add: the other operand is int32, expected a whole number of 32 bits, received 0.5; convert the tensor with .to('float32')"],
  [() => add(1, 2), 'ERR_ARGUMENT', 'a', 'add: a and b are plain numbers, expected at least one Tensor'],
  [() => add(v(), not('1')), 'ERR_ARGUMENT', 'b', `add: b is string, ${noTensor}`],
  [() => add(not([1, 2, 3]), v()), 'ERR_ARGUMENT', 'a', `add: a is an array, ${noTensor}`],
  [() => v().add(not(undefined)), 'ERR_ARGUMENT', 'b', `add: b is undefined, ${noTensor}`],
  [() => v().add(not(null)), 'ERR_ARGUMENT', 'b', `add: b is null, ${noTensor}`],
  [() => div(whole(), 2), 'ERR_DTYPE', undefined, "div: expected float32 or float64, received int32; convert with .to('float32')"],
  [() => pow(2, whole()), 'ERR_DTYPE', undefined, "pow: expected float32 or float64, received int32; convert with .to('float32')"],
  [() => exp(whole()), 'ERR_DTYPE', undefined, "exp: expected float32 or float64, received int32; convert with .to('float32')"],
  [() => exp(not(1)), 'ERR_ARGUMENT', 'x', `exp: x is number, ${noTensor}`],
  [() => neg(not({})), 'ERR_ARGUMENT', 'x', `neg: x is object, ${noTensor}`],
  [() => clamp(v(), 2, 1), 'ERR_ARGUMENT', 'min', 'clamp: min is 2 and max is 1, expected min <= max'],
  [() => clamp(v(), NaN), 'ERR_ARGUMENT', 'min', 'clamp: min is NaN and max is Infinity, expected min <= max'],
  [() => where(v(), v(), double()), 'ERR_MIXED_DTYPES', undefined, "where: operands are of float32 and float64; expected one type, convert with .to('float32')"],
  [() => where(elsewhere(), v(), v()), 'ERR_MIXED_BACKENDS', undefined, "where: operands are on two different 'cpu' backends; move one with .to(backend)"],
  [() => where(v(), x(), tensor([1, 2])), 'ERR_SHAPE', undefined, 'where: shapes [2, 3] and [2] do not broadcast: dimension -1 is 3 in one and 2 in the other (equal sizes or 1 would fit)'],
  [() => where(not(true), v(), 0), 'ERR_ARGUMENT', 'condition', `where: condition is boolean, ${noTensor}`],
  [() => where(v(), v(), not('0')), 'ERR_ARGUMENT', 'b', `where: b is string, ${noTensor}`],
  [() => where(v(), whole(), 0.5), 'ERR_DTYPE', undefined, "where: the other operand is int32, expected a whole number of 32 bits, received 0.5; convert the tensor with .to('float32')"],
]);

describeRefusals('products', [
  [() => matmul(x(), x()), 'ERR_SHAPE', 'b', 'matmul: [2, 3] times [2, 3]: the inner sizes are 3 and 2, expected equal ones'],
  [() => matmul(x(), x(), { transposeA: true, transposeB: true }), 'ERR_SHAPE', 'b', 'matmul: [2, 3] transposed times [2, 3] transposed: the inner sizes are 2 and 3, expected equal ones'],
  [() => matmul(v(), x()), 'ERR_SHAPE', 'b', 'matmul: [3] times [2, 3]: the inner sizes are 3 and 2, expected equal ones'],
  [() => matmul(x(), one()), 'ERR_SHAPE', 'b', 'matmul: [2, 3] times [], expected at least one dimension each; use mul for numbers'],
  [() => matmul(zeros([2, 1, 3]), zeros([3, 3, 1])), 'ERR_SHAPE', undefined, 'matmul: shapes [2] and [3] do not broadcast: dimension -1 is 2 in one and 3 in the other (equal sizes or 1 would fit)'],
  [() => matmul(whole(), whole()), 'ERR_DTYPE', undefined, "matmul: expected float32 or float64, received int32; convert with .to('float32')"],
  [() => matmul(x(), double()), 'ERR_MIXED_DTYPES', undefined, "matmul: operands are of float32 and float64; expected one type, convert with .to('float32')"],
  [() => matmul(x(), elsewhere()), 'ERR_MIXED_BACKENDS', undefined, "matmul: operands are on two different 'cpu' backends; move one with .to(backend)"],
  [() => matmul(x(), not(2)), 'ERR_ARGUMENT', 'b', `matmul: b is number, ${noTensor}`],
  [() => linear(x(), zeros([4, 2])), 'ERR_SHAPE', 'x', 'linear: x has shape [2, 3], expected [..., 2] for a weight of shape [4, 2]'],
  [() => linear(one(), zeros([4, 2])), 'ERR_SHAPE', 'x', 'linear: x has shape [], expected [..., 2] for a weight of shape [4, 2]'],
  [() => linear(x(), v()), 'ERR_SHAPE', 'weight', 'linear: weight has shape [3], expected [outFeatures, inFeatures]'],
  [() => linear(x(), zeros([4, 3]), zeros([3])), 'ERR_SHAPE', 'bias', 'linear: bias has shape [3], expected [4]'],
  [() => linear(x(), zeros([3, 3]), elsewhere()), 'ERR_MIXED_BACKENDS', undefined, "linear: operands are on two different 'cpu' backends; move one with .to(backend)"],
]);

describeRefusals('reductions', [
  [() => sum(x(), 2), 'ERR_ARGUMENT', 'dims', 'sum: dims is 2, expected a whole number from -2 to 1 for a tensor of rank 2'],
  [() => sum(x(), [0, -2]), 'ERR_ARGUMENT', 'dims', 'sum: dims is [0,-2], expected each dimension at most once'],
  [() => mean(x(), 0.5), 'ERR_ARGUMENT', 'dims', 'mean: dims is 0.5, expected a whole number from -2 to 1 for a tensor of rank 2'],
  [() => mean(whole()), 'ERR_DTYPE', undefined, "mean: expected float32 or float64, received int32; convert with .to('float32')"],
  [() => sum(one(), 1), 'ERR_ARGUMENT', 'dims', 'sum: dims is 1, expected a whole number from -1 to 0 for a tensor of rank 0'],
  [() => amax(zeros([2, 0]), 1), 'ERR_SHAPE', 'x', 'amax: x of shape [2, 0] has no element along dimension 1, expected at least one'],
  [() => max(zeros([0])), 'ERR_SHAPE', 'x', 'max: x of shape [0] has no element along dimension 0, expected at least one'],
  [() => max(zeros([0, 2]), 0), 'ERR_SHAPE', 'x', 'max: x of shape [0, 2] has no element along dimension 0, expected at least one'],
  [() => argmax(zeros([0, 2])), 'ERR_SHAPE', 'x', 'argmax: x of shape [0, 2] has no element along dimension 0, expected at least one'],
  [() => logsumexp(x(), 2), 'ERR_ARGUMENT', 'dims', 'logsumexp: dims is 2, expected a whole number from -2 to 1 for a tensor of rank 2'],
  [() => softmax(x(), NaN), 'ERR_ARGUMENT', 'dim', 'softmax: dim is NaN, expected a whole number from -2 to 1 for a tensor of rank 2'],
  [() => softmax(whole(), 0), 'ERR_DTYPE', undefined, "softmax: expected float32 or float64, received int32; convert with .to('float32')"],
  [() => sum(not('x')), 'ERR_ARGUMENT', 'x', `sum: x is string, ${noTensor}`],
]);

describeRefusals('movement', [
  [() => reshape(x(), [4]), 'ERR_SHAPE', 'shape', 'reshape: x of shape [2, 3] has 6 elements, which do not make [4]'],
  [() => reshape(x(), [-1, 4]), 'ERR_SHAPE', 'shape', 'reshape: x of shape [2, 3] has 6 elements, which do not make [-1, 4]'],
  [() => reshape(x(), [-1, -1]), 'ERR_SHAPE', 'shape', 'reshape: x of shape [2, 3] has 6 elements, which do not make [-1, -1]'],
  [() => reshape(x(), [NaN]), 'ERR_SHAPE', 'shape', 'reshape: shape [NaN] has the size NaN, expected whole numbers from 0 up'],
  [() => reshape(zeros([0]), [-1, 0]), 'ERR_SHAPE', 'shape', 'reshape: x of shape [0] has 0 elements, which do not make [-1, 0]'],
  [() => reshape(x(), not(6)), 'ERR_SHAPE', 'shape', 'reshape: shape is number, expected an array of sizes such as [2, 3]'],
  [() => expand(x(), [2, 4]), 'ERR_SHAPE', 'shape', 'expand: x of shape [2, 3] does not broadcast to [2, 4], expected equal sizes, or 1, counted from the end'],
  [() => expand(x(), [3]), 'ERR_SHAPE', 'shape', 'expand: x of shape [2, 3] does not broadcast to [3], expected equal sizes, or 1, counted from the end'],
  [() => expand(v(), [-1, 3]), 'ERR_SHAPE', 'shape', 'expand: shape [-1, 3] has the size -1, expected whole numbers from 0 up'],
  [() => permute(x(), [0]), 'ERR_ARGUMENT', 'dims', 'permute: dims is [0], expected each of the 2 dimensions once'],
  [() => permute(x(), [0, 0]), 'ERR_ARGUMENT', 'dims', 'permute: dims is [0, 0], expected each of the 2 dimensions once'],
  [() => transpose(x(), 0, 2), 'ERR_ARGUMENT', 'dim1', 'transpose: dim1 is 2, expected a whole number from -2 to 1 for a tensor of rank 2'],
  [() => t(zeros([1, 2, 3])), 'ERR_SHAPE', 'x', 't: x has shape [1, 2, 3], expected at most 2 dimensions; use transpose(x, dim0, dim1)'],
  [() => flatten(x(), 1, 0), 'ERR_ARGUMENT', 'startDim', 'flatten: startDim is 1, expected it not to lie behind endDim, 0'],
  [() => squeeze(x(), 3), 'ERR_ARGUMENT', 'dims', 'squeeze: dims is 3, expected a whole number from -2 to 1 for a tensor of rank 2'],
  [() => unsqueeze(x(), 4), 'ERR_ARGUMENT', 'dim', 'unsqueeze: dim is 4, expected a whole number from -3 to 2 for a tensor of rank 3'],
  [() => slice(x(), 0, 0.5), 'ERR_ARGUMENT', 'start', 'slice: start is 0.5, expected a whole number'],
  [() => slice(x(), 0, 0, NaN), 'ERR_ARGUMENT', 'end', 'slice: end is NaN, expected a whole number'],
  [() => slice(x(), 0, 0, 1, 0), 'ERR_ARGUMENT', 'step', 'slice: step is 0, expected a whole number from 1 up'],
  [() => slice(x(), 0, 0, 1, -1), 'ERR_ARGUMENT', 'step', 'slice: step is -1, expected a whole number from 1 up'],
  [() => slice(one(), 0), 'ERR_SHAPE', 'x', 'slice: x is a single number, expected at least one dimension'],
  [() => narrow(v(), 0, 4, 0), 'ERR_ARGUMENT', 'start', 'narrow: start is 4, expected a whole number from -3 to 3'],
  [() => narrow(v(), 0, 1, 3), 'ERR_ARGUMENT', 'length', 'narrow: length is 3, expected a whole number from 0 to 2, as start is 1 and dimension 0 has size 3'],
  [() => select(x(), 0, 2), 'ERR_ARGUMENT', 'index', 'select: index is 2, expected a whole number from -2 to 1 for dimension 0 of size 2'],
  [() => select(zeros([0]), 0, 0), 'ERR_ARGUMENT', 'index', 'select: index is 0, expected a whole number from 0 to -1 for dimension 0 of size 0'],
  [() => flip(x(), [0, 0]), 'ERR_ARGUMENT', 'dims', 'flip: dims is [0,0], expected each dimension at most once'],
  [() => split(v(), 0), 'ERR_ARGUMENT', 'sizes', 'split: sizes is 0, expected a whole number from 1 up, or a list'],
  [() => split(v(), [1, 1]), 'ERR_ARGUMENT', 'sizes', 'split: sizes is [1, 1], expected whole numbers that add up to the 3 places of the dimension'],
  [() => split(v(), [4, -1]), 'ERR_ARGUMENT', 'sizes', 'split: sizes is [4, -1], expected whole numbers that add up to the 3 places of the dimension'],
  [() => split(one(), 1), 'ERR_SHAPE', 'x', 'split: x is a single number, expected at least one dimension'],
  [() => chunk(v(), 0), 'ERR_ARGUMENT', 'chunks', 'chunk: chunks is 0, expected a whole number from 1 up'],
  [() => unbind(one()), 'ERR_SHAPE', 'x', 'unbind: x is a single number, expected at least one dimension'],
  [() => concat([]), 'ERR_ARGUMENT', 'tensors', 'concat: tensors is an empty array, expected an array of at least one Tensor'],
  [() => concat(not(v())), 'ERR_ARGUMENT', 'tensors', 'concat: tensors is object, expected an array of at least one Tensor'],
  [() => concat([v(), not(1)]), 'ERR_ARGUMENT', 'tensors[1]', `concat: tensors[1] is number, ${noTensor}`],
  [() => concat([x(), v()]), 'ERR_SHAPE', 'tensors[1]', 'concat: tensors[1] has shape [3], expected the sizes of [2, 3] in all dimensions but 0'],
  [() => concat([one(), one()]), 'ERR_SHAPE', 'tensors', 'concat: tensors[0] is a single number, expected at least one dimension; use stack'],
  [() => concat([v(), double()]), 'ERR_MIXED_DTYPES', undefined, "concat: operands are of float32 and float64; expected one type, convert with .to('float32')"],
  [() => stack([v(), elsewhere()]), 'ERR_MIXED_BACKENDS', undefined, "stack: operands are on two different 'cpu' backends; move one with .to(backend)"],
  [() => stack([x(), v()]), 'ERR_SHAPE', 'tensors[1]', 'stack: tensors[1] has shape [3], expected [2, 3]'],
  [() => stack([v()], 2), 'ERR_ARGUMENT', 'dim', 'stack: dim is 2, expected a whole number from -2 to 1 for a tensor of rank 2'],
]);

describeRefusals('indexing', [
  [() => gather(x(), 1, tensor([[0]])), 'ERR_DTYPE', 'index', "gather: index is float32, expected int32; make it with tensor(values, { dtype: 'int32' })"],
  [() => gather(x(), 1, whole([[3]])), 'ERR_ARGUMENT', 'index', 'gather: index holds 3, expected values from 0 to 2'],
  [() => gather(x(), 1, whole([[-1]])), 'ERR_ARGUMENT', 'index', 'gather: index holds -1, expected values from 0 to 2'],
  [() => gather(x(), 1, whole([0])), 'ERR_SHAPE', 'index', 'gather: index has shape [1], expected 2 dimensions, none larger than in [2, 3] but dimension 1'],
  [() => gather(x(), 1, whole([[0], [0], [0]])), 'ERR_SHAPE', 'index', 'gather: index has shape [3, 1], expected 2 dimensions, none larger than in [2, 3] but dimension 1'],
  [() => gather(one(), 0, whole([0])), 'ERR_SHAPE', 'x', 'gather: x is a single number, expected at least one dimension'],
  [() => gather(x(), 1, not([[0]])), 'ERR_ARGUMENT', 'index', `gather: index is an array, ${noTensor}`],
  [() => gather(elsewhere(), 0, whole([0])), 'ERR_MIXED_BACKENDS', undefined, "gather: operands are on two different 'cpu' backends; move one with .to(backend)"],
  [() => indexSelect(x(), 0, whole([0, 2])), 'ERR_ARGUMENT', 'index', 'indexSelect: index holds 2, expected values from 0 to 1'],
  [() => indexSelect(x(), 0, whole([[0]])), 'ERR_SHAPE', 'index', 'indexSelect: index has shape [1, 1], expected one dimension'],
  [() => indexSelect(zeros([0, 2]), 0, whole([0])), 'ERR_ARGUMENT', 'index', 'indexSelect: index holds 0, expected no index, as there is no place to pick'],
  [() => scatterAdd(v(), 0, whole([0]), tensor([1, 2])), 'ERR_SHAPE', 'source', 'scatterAdd: source has shape [2], expected that of index, [1]'],
  [() => scatterAdd(x(), 1, whole([[0]]), tensor([[1]])), 'ERR_SHAPE', 'index', 'scatterAdd: index has shape [1, 1], expected the sizes of [2, 3] in all dimensions but 1'],
  [() => scatterAdd(v(), 0, whole([5]), tensor([1])), 'ERR_ARGUMENT', 'index', 'scatterAdd: index holds 5, expected values from 0 to 2'],
  [() => scatterAdd(v(), 0, whole([0]), double().slice(0, 0, 1)), 'ERR_MIXED_DTYPES', undefined, "scatterAdd: operands are of float32 and float64; expected one type, convert with .to('float32')"],
  [() => oneHot(whole(), 3), 'ERR_ARGUMENT', 'index', 'oneHot: index holds 3, expected values from 0 to 2'],
  [() => oneHot(whole(), 0), 'ERR_ARGUMENT', 'numClasses', 'oneHot: numClasses is 0, expected a whole number from 1 up'],
  [() => oneHot(v(), 4), 'ERR_DTYPE', 'index', "oneHot: index is float32, expected int32; make it with tensor(values, { dtype: 'int32' })"],
]);

describeRefusals('conversion and checks', [
  [() => to(v(), not('int64')), 'ERR_DTYPE', 'dtype', "to: dtype is int64, expected one of those that the backend 'cpu' has: float32, float64, int32"],
  [() => to(v(), not(3)), 'ERR_BACKEND', 'target', 'to: target is number, expected a backend; one comes from a factory, as in `setBackend(await cpu())`'],
  [() => gradcheck(exp, [v()]), 'ERR_DTYPE', 'inputs[0]', 'gradcheck: inputs[0] is float32, expected float64: differences of coarser numbers say nothing'],
  [() => gradcheck(exp, []), 'ERR_ARGUMENT', 'inputs', 'gradcheck: inputs is empty, expected at least one Tensor'],
]);

test('an index that was computed is checked as well', () => {
  const index = whole([1, 2]).add(whole([0, 1]));
  expect(indexSelect(tensor([1, 2, 3, 4]), 0, index).toArray()).toEqual([2, 4]);
  expect(() => indexSelect(v(), 0, index)).toThrow('indexSelect: index holds 3, expected values from 0 to 2');
});

test('an int32 tensor of another type keeps no bounds of its values', () => {
  const index = tensor([0.5, 7.5]).to('int32');
  expect(() => indexSelect(v(), 0, index)).toThrow('indexSelect: index holds 7');
});

test('a type that the backend lacks is refused, and what has no such type as well', () => {
  const single = new Proxy(backend, {
    get: (target, key) => (key === 'info' ? { ...target.info, name: 'single', dtypes: ['float32', 'int32'] satisfies DType[] } : (Reflect.get(target, key) as unknown)),
  });
  const message = "dtype is float64, expected one of those that the backend 'single' has: float32, int32";
  expect(() => zeros([1], { dtype: 'float64', backend: single })).toThrow(expect.objectContaining({ code: 'ERR_DTYPE', message: `zeros: ${message}` }));
  expect(() => to(double(), single)).toThrow(expect.objectContaining({ code: 'ERR_DTYPE', message: `to: ${message}` }));
});

test('nothing works before a backend is chosen, and the message says how to', async () => {
  vi.resetModules();
  const fresh = await import('../src/index.js');
  expect(() => fresh.zeros([1])).toThrow(
    expect.objectContaining({
      code: 'ERR_BACKEND',
      message: "no backend is set; install one, then `import { cpu } from '@rnn/backend-cpu'` and `setBackend(await cpu())`",
    }),
  );
});

describe('errors', () => {
  test.each([
    [new ArgumentError('m'), 'ArgumentError', 'ERR_ARGUMENT'],
    [new ShapeError('m'), 'ShapeError', 'ERR_SHAPE'],
    [new DTypeError('m'), 'DTypeError', 'ERR_DTYPE'],
    [new BackendError('m'), 'BackendError', 'ERR_BACKEND'],
    [new MemoryLimitError('m'), 'MemoryLimitError', 'ERR_MEMORY'],
    [new DisposedError('m'), 'DisposedError', 'ERR_DISPOSED'],
    [new AutogradError('m'), 'AutogradError', 'ERR_AUTOGRAD'],
    [new AnomalyError('log', 'm'), 'AnomalyError', 'ERR_ANOMALY'],
    [new StateDictError('m'), 'StateDictError', 'ERR_STATE_DICT'],
    [new FormatError('m'), 'FormatError', 'ERR_FORMAT'],
    [new TraceError('m'), 'TraceError', 'ERR_TRACE'],
  ])('%o', (error, name, code) => {
    expect([error instanceof RnnError, error instanceof Error, error.name, error.code, error.message]).toEqual([true, true, name, code, 'm']);
  });

  test('carry what programs read', () => {
    const cause = new Error('below');
    const error = new ShapeError('m', { argument: 'x', expected: '[2]', received: '[3]', code: 'ERR_FINER', cause });
    expect([error.argument, error.expected, error.received, error.code, error.cause]).toEqual(['x', '[2]', '[3]', 'ERR_FINER', cause]);
    expect(new StateDictError('m', { missing: ['a'], unexpected: ['b'] })).toMatchObject({ missing: ['a'], unexpected: ['b'] });
  });
});

import { expect, test } from 'vitest';
import { exp, gather, gradcheck, indexSelect, oneHot, scatterAdd, tensor, to, zeros } from '../../src/index.js';
import { describeRefusals, double, elsewhere, noTensor, not, one, v, whole, x } from './refusal.js';

describeRefusals('indexing', [
  [
    () => gather(x(), 1, tensor([[0]])),
    'ERR_DTYPE',
    'index',
    "gather: index is float32, expected int32; make it with tensor(values, { dtype: 'int32' }), or give a data set Int32Array.from(values)",
  ],
  [
    () => gather(x(), 1, whole([[3]])),
    'ERR_ARGUMENT',
    'index',
    'gather: index has the value 3, expected values from 0 to 2',
  ],
  [
    () => gather(x(), 1, whole([[-1]])),
    'ERR_ARGUMENT',
    'index',
    'gather: index has the value -1, expected values from 0 to 2',
  ],
  [
    () => gather(x(), 1, whole([0])),
    'ERR_SHAPE',
    'index',
    'gather: index has shape [1], expected 2 dimensions, none larger than in [2, 3] but dimension 1',
  ],
  [
    () => gather(x(), 1, whole([[0], [0], [0]])),
    'ERR_SHAPE',
    'index',
    'gather: index has shape [3, 1], expected 2 dimensions, none larger than in [2, 3] but dimension 1',
  ],
  [
    () => gather(one(), 0, whole([0])),
    'ERR_SHAPE',
    'x',
    'gather: x is a single number, expected at least one dimension',
  ],
  [() => gather(x(), 1, not([[0]])), 'ERR_ARGUMENT', 'index', `gather: index is an array of 1, ${noTensor}`],
  [
    () => gather(elsewhere(), 0, whole([0])),
    'ERR_MIXED_BACKENDS',
    'index',
    "gather: index is on another 'cpu' backend, expected on that of x; move one of them with .to(backend)",
  ],
  [
    () => indexSelect(x(), 0, whole([0, 2])),
    'ERR_ARGUMENT',
    'index',
    'indexSelect: index has the value 2, expected values from 0 to 1',
  ],
  [
    () => indexSelect(x(), 0, whole([[0]])),
    'ERR_SHAPE',
    'index',
    'indexSelect: index has shape [1, 1], expected one dimension',
  ],
  [
    () => indexSelect(zeros([0, 2]), 0, whole([0])),
    'ERR_ARGUMENT',
    'index',
    'indexSelect: index has the value 0, expected no index, as there is no place to pick',
  ],
  [
    () => scatterAdd(v(), 0, whole([0]), tensor([1, 2])),
    'ERR_SHAPE',
    'source',
    'scatterAdd: source has shape [2], expected [1] (that of index)',
  ],
  [
    () => scatterAdd(x(), 1, whole([[0]]), tensor([[1]])),
    'ERR_SHAPE',
    'index',
    'scatterAdd: index has shape [1, 1], expected the sizes of [2, 3] in all dimensions but 1',
  ],
  [
    () => scatterAdd(v(), 0, whole([5]), tensor([1])),
    'ERR_ARGUMENT',
    'index',
    'scatterAdd: index has the value 5, expected values from 0 to 2',
  ],
  [
    () => scatterAdd(v(), 0, whole([0]), double().slice(0, 0, 1)),
    'ERR_MIXED_DTYPES',
    'operand 2',
    "scatterAdd: operand 2 is float64, expected float32 as the first; convert with .to('float32')",
  ],
  [() => oneHot(whole(), 3), 'ERR_ARGUMENT', 'index', 'oneHot: index has the value 3, expected values from 0 to 2'],
  [
    () => oneHot(whole(), 0),
    'ERR_ARGUMENT',
    'numClasses',
    'oneHot: numClasses is 0, expected a whole number from 1 to 2147483647',
  ],
  [
    () => oneHot(v(), 4),
    'ERR_DTYPE',
    'index',
    "oneHot: index is float32, expected int32; make it with tensor(values, { dtype: 'int32' }), or give a data set Int32Array.from(values)",
  ],
]);

describeRefusals('conversion and checks', [
  [
    () => to(v(), not('int64')),
    'ERR_DTYPE',
    'dtype',
    "to: dtype is int64, expected one of those that the backend 'cpu' has: float32, float64, int32",
  ],
  [
    () => to(v(), not(3)),
    'ERR_BACKEND',
    'target',
    'to: target is 3, expected a backend; one comes from a factory, as in `await cpu()`',
  ],
  [
    () => gradcheck(exp, [v()]),
    'ERR_DTYPE',
    'inputs[0]',
    'gradcheck: inputs[0] is float32, expected float64; differences of coarser numbers say nothing',
  ],
  [
    () => gradcheck(exp, []),
    'ERR_ARGUMENT',
    'inputs',
    'gradcheck: inputs is an empty array, expected an array of at least one Tensor',
  ],
]);

test('an index that was computed is checked as well', () => {
  const index = whole([1, 2]).add(whole([0, 1]));
  expect(indexSelect(tensor([1, 2, 3, 4]), 0, index).toArray()).toEqual([2, 4]);
  expect(() => indexSelect(v(), 0, index)).toThrow('indexSelect: index has the value 3, expected values from 0 to 2');
});

test('an int32 tensor of another type keeps no bounds of its values', () => {
  const index = tensor([0.5, 7.5]).to('int32');
  expect(() => indexSelect(v(), 0, index)).toThrow('indexSelect: index has the value 7, expected values from 0 to 2');
});

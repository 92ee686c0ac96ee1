import { gather, indexSelect, scatterAdd, tensor, type Tensor, type TensorLike } from '../../src/index.js';
import { describeDerivatives } from '../float64.js';

const indices = (values: TensorLike): Tensor => tensor(values, { dtype: 'int32' });

describeDerivatives('gather', [
  {
    name: 'the last dimension',
    of: (x) =>
      gather(
        x,
        1,
        indices([
          [0, 2, 0],
          [1, 1, 2],
        ]),
      ).square(),
    at: [[2, 3]],
  },
  { name: 'the first dimension', of: (x) => gather(x, 0, indices([[1, 0, 1]])).square(), at: [[2, 3]] },
  {
    name: 'more places than there were',
    of: (x) =>
      gather(
        x,
        1,
        indices([
          [0, 2, 0, 1],
          [1, 1, 2, 2],
        ]),
      ).square(),
    at: [[2, 3]],
  },
  {
    name: 'an index smaller than the operand',
    of: (x) => gather(x, 1, indices([[[2]], [[0]]])).square(),
    at: [[2, 3, 2]],
  },
  { name: 'a vector', of: (x) => gather(x, 0, indices([2, 2, 0])).square(), at: [[3]] },
  { name: 'no index', of: (x) => gather(x, 0, tensor(new Int32Array(0))).square(), at: [[3]] },
]);

describeDerivatives('indexSelect', [
  { name: 'rows', of: (x) => indexSelect(x, 0, indices([1, 1, 0])).square(), at: [[2, 3]] },
  { name: 'columns', of: (x) => indexSelect(x, -1, indices([2, 0])).square(), at: [[2, 3]] },
  { name: 'the middle', of: (x) => indexSelect(x, 1, indices([2, 2])).square(), at: [[2, 3, 2]] },
  { name: 'no index', of: (x) => indexSelect(x, 0, tensor(new Int32Array(0))).square(), at: [[2, 3]] },
]);

describeDerivatives('scatterAdd', [
  { name: 'the first dimension', of: (x, s) => scatterAdd(x, 0, indices([2, 0, 2]), s).square(), at: [[3], [3]] },
  {
    name: 'the last dimension',
    of: (x, s) =>
      scatterAdd(
        x,
        1,
        indices([
          [0, 0],
          [1, 2],
        ]),
        s,
      ).square(),
    at: [
      [2, 3],
      [2, 2],
    ],
  },
  {
    name: 'the middle',
    of: (x, s) => scatterAdd(x, 1, indices([[[1, 0]], [[2, 2]]]), s).square(),
    at: [
      [2, 3, 2],
      [2, 1, 2],
    ],
  },
  {
    name: 'only the source differentiated',
    of: (s) => scatterAdd(tensor(new Float64Array(2)), 0, indices([1, 1]), s).square(),
    at: [[2]],
  },
  { name: 'no source', of: (x, s) => scatterAdd(x, 0, tensor(new Int32Array(0)), s).square(), at: [[3], [0]] },
]);

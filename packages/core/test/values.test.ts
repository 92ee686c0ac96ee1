import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  amax,
  amin,
  argmax,
  argmin,
  chunk,
  concat,
  expand,
  flatten,
  flip,
  gather,
  indexSelect,
  logsumexp,
  max,
  mean,
  min,
  narrow,
  oneHot,
  permute,
  reshape,
  scatterAdd,
  select,
  setBackend,
  slice,
  softmax,
  split,
  squeeze,
  stack,
  sum,
  t,
  tensor,
  to,
  transpose,
  unbind,
  unsqueeze,
  where,
  zeros,
  type NestedArray,
  type Tensor,
} from '../src/index.js';

beforeAll(async () => setBackend(await cpu()));

const x = (): Tensor =>
  tensor([
    [1, 2, 3],
    [4, 5, 6],
  ]);
const cube = (): Tensor =>
  tensor([
    [
      [1, 2],
      [3, 4],
    ],
    [
      [5, 6],
      [7, 8],
    ],
  ]);
const places = (values: number[] | number[][]): Tensor => tensor(values, { dtype: 'int32' });
const lists = (tensors: readonly Tensor[]): NestedArray => tensors.map((piece) => piece.toArray());

describe('results', () => {
  test.each<[string, () => NestedArray, NestedArray]>([
    [
      'reshape',
      () => reshape(x(), [3, -1]).toArray(),
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    ],
    ['reshape to a vector', () => reshape(x(), [-1]).toArray(), [1, 2, 3, 4, 5, 6]],
    [
      'flatten',
      () => flatten(cube(), 1).toArray(),
      [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ],
    ],
    [
      'flatten of the front',
      () => flatten(cube(), 0, 1).toArray(),
      [
        [1, 2],
        [3, 4],
        [5, 6],
        [7, 8],
      ],
    ],
    ['squeeze', () => squeeze(tensor([[[1], [2]]])).toArray(), [1, 2]],
    ['squeeze of one dimension', () => squeeze(tensor([[[1], [2]]]), 0).toArray(), [[1], [2]]],
    [
      'squeeze of a dimension of another size',
      () => squeeze(x(), 0).toArray(),
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    ['unsqueeze', () => unsqueeze(tensor([1, 2]), 1).toArray(), [[1], [2]]],
    [
      'expand',
      () => expand(tensor([[1], [2]]), [2, -1, 3]).toArray(),
      [
        [
          [1, 1, 1],
          [2, 2, 2],
        ],
        [
          [1, 1, 1],
          [2, 2, 2],
        ],
      ],
    ],
    [
      'permute',
      () => permute(cube(), [2, 0, 1]).toArray(),
      [
        [
          [1, 3],
          [5, 7],
        ],
        [
          [2, 4],
          [6, 8],
        ],
      ],
    ],
    [
      'transpose',
      () => transpose(cube(), 0, -1).toArray(),
      [
        [
          [1, 5],
          [3, 7],
        ],
        [
          [2, 6],
          [4, 8],
        ],
      ],
    ],
    [
      't',
      () => t(x()).toArray(),
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    ],
    [
      'flip',
      () => flip(x(), 1).toArray(),
      [
        [3, 2, 1],
        [6, 5, 4],
      ],
    ],
    [
      'flip of both dimensions',
      () => flip(x(), [0, 1]).toArray(),
      [
        [6, 5, 4],
        [3, 2, 1],
      ],
    ],
    [
      'slice',
      () => slice(x(), 1, 1).toArray(),
      [
        [2, 3],
        [5, 6],
      ],
    ],
    [
      'slice with a step',
      () => slice(x(), 1, 0, undefined, 2).toArray(),
      [
        [1, 3],
        [4, 6],
      ],
    ],
    ['narrow', () => narrow(x(), 1, -2, 1).toArray(), [[2], [5]]],
    ['select', () => select(x(), 1, -1).toArray(), [3, 6]],
    [
      'split',
      () => lists(split(x(), [1, 2], 1)),
      [
        [[1], [4]],
        [
          [2, 3],
          [5, 6],
        ],
      ],
    ],
    ['split into equal pieces', () => lists(split(tensor([1, 2, 3, 4, 5]), 2)), [[1, 2], [3, 4], [5]]],
    ['chunk into fewer pieces, as PyTorch does', () => lists(chunk(tensor([1, 2, 3, 4, 5]), 4)), [[1, 2], [3, 4], [5]]],
    ['chunk of nothing', () => lists(chunk(zeros([0, 2]), 3)), [[], [], []]],
    ['split of nothing', () => lists(split(zeros([0, 2]), 3)), [[]]],
    [
      'unbind',
      () => lists(unbind(x(), 1)),
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
    ],
    ['unbind of nothing', () => lists(unbind(zeros([0, 2]))), []],
    [
      'concat',
      () => concat([x(), tensor([[7], [8]])], -1).toArray(),
      [
        [1, 2, 3, 7],
        [4, 5, 6, 8],
      ],
    ],
    [
      'stack behind',
      () => stack([tensor([1, 2]), tensor([3, 4])], -1).toArray(),
      [
        [1, 3],
        [2, 4],
      ],
    ],
    [
      'gather',
      () =>
        gather(
          x(),
          1,
          places([
            [2, 0],
            [1, 1],
          ]),
        ).toArray(),
      [
        [3, 1],
        [5, 5],
      ],
    ],
    ['gather with a smaller index', () => gather(x(), 0, places([[1, 0]])).toArray(), [[4, 2]]],
    ['gather of whole numbers', () => gather(places([7, 8]), 0, places([1, 1])).toArray(), [8, 8]],
    [
      'indexSelect',
      () => indexSelect(x(), 1, places([2, 2, 0])).toArray(),
      [
        [3, 3, 1],
        [6, 6, 4],
      ],
    ],
    [
      'scatterAdd',
      () =>
        scatterAdd(
          x(),
          1,
          places([
            [0, 0],
            [2, 1],
          ]),
          tensor([
            [10, 20],
            [30, 40],
          ]),
        ).toArray(),
      [
        [31, 2, 3],
        [4, 45, 36],
      ],
    ],
    ['oneHot', () => oneHot(places([[2], [0]]), 3).toArray(), [[[0, 0, 1]], [[1, 0, 0]]]],
    ['sum', () => sum(x(), 0).toArray(), [5, 7, 9]],
    ['sum, kept', () => sum(x(), [0, 1], true).toArray(), [[21]]],
    ['sum of whole numbers', () => sum(places([1, 2])).toArray(), 3],
    ['sum over separate dimensions', () => sum(cube(), [0, 2]).toArray(), [14, 22]],
    ['sum of nothing', () => sum(zeros([0, 2]), 0).toArray(), [0, 0]],
    ['mean', () => mean(x(), 1).toArray(), [2, 5]],
    ['mean of nothing', () => mean(zeros([0])).toArray(), NaN],
    ['amax', () => amax(cube(), [0, 1]).toArray(), [7, 8]],
    ['amin', () => amin(x(), 1, true).toArray(), [[1], [4]]],
    ['amax of no rows', () => amax(zeros([0, 2]), 1).toArray(), []],
    [
      'max with positions',
      () =>
        lists(
          Object.values(
            max(
              tensor([
                [1, 9, 9],
                [3, 2, 1],
              ]),
              1,
            ),
          ),
        ),
      [
        [9, 3],
        [1, 0],
      ],
    ],
    [
      'min with positions',
      () =>
        lists(
          Object.values(
            min(
              tensor([
                [1, 9, 9],
                [3, 2, 1],
              ]),
              1,
            ),
          ),
        ),
      [
        [1, 1],
        [0, 2],
      ],
    ],
    ['max of no rows', () => lists(Object.values(max(zeros([0, 2]), 1))), [[], []]],
    ['argmax of everything', () => argmax(x()).toArray(), 5],
    ['argmax with a NaN', () => argmax(tensor([1, NaN, 3])).toArray(), 1],
    ['argmax, kept', () => argmax(x(), 0, true).toArray(), [[1, 1, 1]]],
    ['argmax of everything, kept', () => argmax(x(), undefined, true).toArray(), [[5]]],
    ['argmax of a single number', () => argmax(tensor(4), 0).toArray(), 0],
    [
      'argmin',
      () =>
        argmin(
          tensor([
            [3, 1, 1],
            [0, 2, 0],
          ]),
          1,
        ).toArray(),
      [1, 0],
    ],
    ['logsumexp of nothing', () => logsumexp(zeros([0, 2]), 0).toArray(), [-Infinity, -Infinity]],
    ['logsumexp of large numbers', () => logsumexp(tensor([1000, -Infinity]), 0).toArray(), 1000],
    ['softmax of large numbers', () => softmax(tensor([1000, 1000]), 0).toArray(), [0.5, 0.5]],
    ['where', () => where(tensor([1, 0, NaN]), tensor([1, 2, 3]), -1).toArray(), [1, -1, 3]],
    ['where with two numbers', () => where(places([1, 0]), 7, 8).toArray(), [7, 8]],
    ['to int32', () => to(tensor([1.9, -1.9]), 'int32').toArray(), [1, -1]],
  ])('of %s', (_, result, expected) => {
    expect(result()).toEqual(expected);
  });

  test('of reductions have the types that PyTorch gives, but int32 for positions', () => {
    expect(
      [sum(places([1])), amax(places([1])), argmax(x()), max(x(), 0).indices, max(places([1]), 0).values].map(
        ({ dtype }) => dtype,
      ),
    ).toEqual(['int32', 'int32', 'int32', 'int32', 'int32']);
  });

  test('to their own type or backend are the same tensor', () => {
    const y = x();
    expect([to(y, 'float32'), to(y, y.backend)].map((z) => Object.is(z, y))).toEqual([true, true]);
  });

  test('of methods are those of functions', () => {
    const y = x();
    const pairs: [Tensor, Tensor][] = [
      [y.sum(0), sum(y, 0)],
      [y.max(1).values, max(y, 1).values],
      [y.min(), min(y)],
      [y.slice(1, 0, 2), slice(y, 1, 0, 2)],
      [y.permute([1, 0]), permute(y, [1, 0])],
      [y.where(y.gt(2), 0), where(y.gt(2), y, 0)],
      [y.gather(1, places([[0]])), gather(y, 1, places([[0]]))],
      [places([1]).oneHot(2), oneHot(places([1]), 2)],
    ];
    for (const [method, plain] of pairs) expect(method.toArray()).toEqual(plain.toArray());
  });
});

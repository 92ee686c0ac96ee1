import { cpu } from '@rnn/backend-cpu';
import { answersLater } from '@rnn/conformance/answers-later';
import { averagedOver, countAverages, setBackend, stack, Tensor, tensor, zeros } from '@rnn/core';
import {
  bceWithLogits,
  crossEntropy,
  huberLoss,
  l1Loss,
  Module,
  mseLoss,
  nllLoss,
  Parameter,
  smoothL1Loss,
} from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { evaluate, fit, SGD, type History, type LossFunction } from '../../src/index.js';

beforeAll(async () => setBackend(await cpu()));

class Shift extends Module {
  b = new Parameter(zeros([1]));
  forward(x: Tensor): Tensor {
    return x.add(this.b);
  }
}

/**
 * Batches of 4 and 1 whose squared errors are 1 and 100: their mean over all elements is 104 / 5.
 */
const batches = (): Tensor[] => [tensor([1, -1, 1, -1]), tensor([10])];
const target = (x: Tensor): Tensor => x.mul(0);
const mean = 20.8;

const losses: [name: string, LossFunction<Shift, Tensor>, expected: number][] = [
  ['mseLoss', (m, x) => mseLoss(m.forward(x), target(x)), mean],
  ['mean of squares by hand', (m, x) => m.forward(x).square().mean(), mean],
  ['a mean over dimensions', (m, x) => m.forward(x).square().reshape([-1, 1]).mean([0, 1]), mean],
  ['two means in a row', (m, x) => m.forward(x).square().reshape([1, -1]).mean(1).mean(), mean],
  ['scaled', (m, x) => mseLoss(m.forward(x), target(x)).mul(2).neg().div(-2), mean],
  ['with a penalty', (m, x) => mseLoss(m.forward(x), target(x)).add(m.b.square().mean().mul(0.1)), mean],
  [
    'with a penalty first',
    (m, x) =>
      m.b
        .square()
        .sum()
        .add(mseLoss(m.forward(x), target(x))),
    mean,
  ],
  ['the sum of two', (m, x) => mseLoss(m.forward(x), target(x)).add(l1Loss(m.forward(x), target(x))), mean + 14 / 5],
  ['a list of losses', (m, x) => stack([1, 1].map(() => mseLoss(m.forward(x), target(x)))).mean(), mean],
  [
    'a list of losses, summed',
    (m, x) => stack([0.5, 0.5].map((f) => mseLoss(m.forward(x), target(x)).mul(f))).sum(),
    mean,
  ],
  ['averagedOver', (m, x) => averagedOver(m.forward(x).square().sum().div(x.size), x.size), mean],
  ['averagedOver a tensor', (m, x) => averagedOver(m.forward(x).square().sum().div(x.size), tensor(x.size)), mean],
  ['a sum, which is no mean', (m, x) => mseLoss(m.forward(x), target(x), { reduction: 'sum' }), (4 + 100) / 2],
];

describe.each(losses)('%s', (_name, loss, expected) => {
  const options = (model: Shift): Parameters<typeof fit<Shift, Tensor>>[2] => ({
    loss,
    optimizer: new SGD(model.parameters(), { lr: 0 }),
    epochs: 1,
    validation: { data: batches() },
  });

  test('every element counts once', async () => {
    const model = new Shift();
    expect((await evaluate(model, batches(), { loss })).loss).toBeCloseTo(expected, 5);
    const { epochs } = await fit(model, batches(), options(model));
    expect(epochs[0].loss).toBeCloseTo(expected, 5);
    expect(epochs[0].validation?.loss).toBeCloseTo(expected, 5);
    const unread = await fit(model, batches(), { ...options(model), logEvery: Infinity });
    expect(unread.epochs[0].loss).toBeCloseTo(expected, 5);
  });

  test('also where the training goes on in the middle of a pass', async () => {
    const model = new Shift();
    const part = await fit(model, batches(), { ...options(model), epochs: undefined, steps: 1 });
    const history = JSON.parse(JSON.stringify(part)) as History;
    const { epochs } = await fit(model, batches(), { ...options(model), history });
    expect(epochs[0].loss).toBeCloseTo(expected, 5);
  });
});

test('the losses with lengths and weights say what they divide by', () => {
  const x = zeros([3, 2]);
  const classes = tensor([0, 1, -100], { dtype: 'int32' });
  const counts = countAverages((countOf) =>
    [
      mseLoss(x, x, { lengths: [3, 1] }),
      l1Loss(x, x),
      smoothL1Loss(x, x),
      huberLoss(x, x),
      bceWithLogits(x, x, { lengths: [1, 1] }),
      crossEntropy(x, classes),
      nllLoss(x, classes),
      crossEntropy(x, x.add(0.5)),
      crossEntropy(x, classes, { weight: tensor([2, 5]) }),
      crossEntropy(x, classes, { reduction: 'sum' }),
      crossEntropy(x, classes, { reduction: 'none' }),
    ].map((loss) => {
      const count = countOf(loss);
      return count instanceof Tensor ? count.item() : count;
    }),
  );
  expect(counts).toEqual([4, 6, 6, 6, 2, 2, 2, 3, 7, undefined, undefined]);
});

test('on a backend that answers only later, and leaves nothing behind', async () => {
  const backend = answersLater(await cpu());
  const make = (rows: number[][], labels: number[]): [Tensor, Tensor] => [
    tensor(rows, { backend }),
    tensor(labels, { dtype: 'int32', backend }).add(0), // what the device alone knows
  ];
  const data = [
    make([[1, 2], [0, 3], [1, 1]], [0, 1, -100]), // prettier-ignore
    make([[4, 1]], [1]),
  ];
  const model = new Shift();
  await model.moveTo(backend);
  const before = backend.memory();
  const { loss } = await evaluate(model, data, { loss: (_m, [x, y]) => crossEntropy(x, y) });
  expect(backend.memory()).toEqual(before);
  const row = (a: number, b: number, label: number): number => Math.log(Math.exp(a) + Math.exp(b)) - [a, b][label];
  expect(loss).toBeCloseTo((row(1, 2, 0) + row(0, 3, 1) + row(4, 1, 1)) / 3, 5);
});

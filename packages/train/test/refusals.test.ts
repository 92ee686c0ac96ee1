import { cpu } from '@rnn/backend-cpu';
import { RnnError, setBackend, tensor, zeros } from '@rnn/core';
import { Linear } from '@rnn/nn';
import { beforeEach, expect, test } from 'vitest';
import {
  clipGradNorm,
  collateSequences,
  CosineAnnealingLR,
  DataLoader,
  evaluate,
  ExponentialLR,
  fit,
  gradNorm,
  OneCycleLR,
  ReduceLROnPlateau,
  SequenceDataset,
  SGD,
  StepLR,
  TensorDataset,
  windows,
} from '../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const params = () => new Linear(2, 1).parameters();
const sgd = () => new SGD(params());
const not = (value: unknown): never => value as never;
const data = () => new TensorDataset(zeros([4, 2]), zeros([4, 1]));

/**
 * Each of these was ignored, and something else done than what was asked for; or it ended in a raw
 * TypeError.
 */
const mistakes: [call: () => unknown, message: string][] = [
  [() => new SGD(params(), not(0.01)), 'SGD: options is 0.01, expected an object such as { lr: ... }'],
  [
    () => new ReduceLROnPlateau(sgd(), not('max')),
    "ReduceLROnPlateau: options is 'max', expected an object such as { mode: ... }",
  ],
  [() => new ReduceLROnPlateau(sgd(), not({ min_lr: 1 })), "option 'min_lr' is unknown"],
  [() => new ReduceLROnPlateau(sgd()).step(not('0.1')), "ReduceLROnPlateau.step: metric is '0.1', expected a Tensor"],
  [() => new StepLR(sgd(), not(30)), 'StepLR: options is 30, expected an object such as { stepSize: ... }'],
  [
    () => new StepLR(sgd(), not({ step_size: 3 })),
    "option 'step_size' is unknown, expected one of stepSize, gamma, lastEpoch; write stepSize",
  ],
  [() => new ExponentialLR(sgd(), not({ gamma: 0.9, verbose: true })), "option 'verbose' is unknown"],
  [() => new CosineAnnealingLR(sgd(), not({ T_max: 3 })), 'write tMax'],
  [() => new OneCycleLR(sgd(), not({ max_lr: 1, totalSteps: 3 })), 'write maxLr'],
  [
    () => new DataLoader(data(), not({ batch_size: 2 })),
    "DataLoader: option 'batch_size' is unknown, expected one of batchSize, shuffle, dropLast, generator, backend; write batchSize",
  ],
  [() => new DataLoader(data(), not(2)), 'DataLoader: options is 2, expected an object such as { batchSize: ... }'],
  [() => new DataLoader(data(), { backend: not(cpu()) }), 'DataLoader: backend is a promise, expected a backend'],
  [() => new DataLoader(data(), { generator: not(3) }), 'DataLoader: generator is 3, expected a Generator'],
  [() => data().batch(not('01')), "TensorDataset: indices is '01', expected an array of at least one position"],
  [() => windows([1, 2, 3], 1, 1, not({ step: 2 })), "windows: option 'step' is unknown"],
  [() => windows([1, 2, 3], 1, 1, { batchFirst: not('no') }), "windows: batchFirst is 'no', expected true or false"],
  [() => collateSequences([[1]], not({ batch_first: true })), 'write batchFirst'],
  [() => new SequenceDataset([[1]], [1], not({ padding: 1 })), "SequenceDataset: option 'padding' is unknown"],
  [() => clipGradNorm(params(), 1, not(2)), 'clipGradNorm: options is 2, expected an object such as { normType: ... }'],
  [() => clipGradNorm(params(), 1, not({ norm_type: 1 })), 'write normType'],
  [() => clipGradNorm(not(3), 1), 'clipGradNorm: params is 3, expected tensors such as model.parameters()'],
  [() => gradNorm(params(), not({ p: 1 })), "gradNorm: option 'p' is unknown"],
  [() => sgd().addParamGroup(not(null)), 'SGD: group is null, expected a group { params, lr, ... }'],
];

test.each(mistakes.map(([call, message]) => ({ call, message })))('refuses: $message', ({ call, message }) => {
  expect(call).toThrow(message);
  expect(call).toThrow(RnnError);
});

test('fit and evaluate refuse options that they do not know', async () => {
  const model = new Linear(2, 1);
  const batches = [[zeros([1, 2])]];
  const loss = () => tensor(0);
  const optimizer = new SGD(model.parameters());
  await expect(fit(model, batches, not({ loss, optimizer, epochs: 1, shedule: 1 }))).rejects.toThrow(
    "fit: option 'shedule' is unknown",
  );
  await expect(evaluate(model, batches, not({ loss, metric: loss }))).rejects.toThrow(
    "evaluate: option 'metric' is unknown, expected one of loss, metrics, tbptt, yieldEvery; write metrics",
  );
});

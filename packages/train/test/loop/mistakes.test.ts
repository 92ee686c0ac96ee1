import { cpu } from '@rnn/backend-cpu';
import { setBackend, tensor, type Tensor } from '@rnn/core';
import { crossEntropy, Linear, mseLoss } from '@rnn/nn';
import { Accuracy, Adam, DataLoader, fit, generate, SequenceDataset, TensorDataset, type FitOptions } from '@rnn/train';
import { beforeEach, expect, test } from 'vitest';

// What goes wrong without a word elsewhere: a training that learns nothing, a metric of something
// else.

type Batch = [Tensor, Tensor];
const loss = (model: Linear, [x, y]: Batch): Tensor => mseLoss(model.forward(x), y);

beforeEach(async () => setBackend(await cpu()));

/** Trains a model with one option that is a mistake. */
function trained(mistake: (model: Linear) => object): Promise<unknown> {
  const model = new Linear(1, 1);
  const data = new DataLoader(new TensorDataset([[1], [2]], [[2], [4]]));
  const options = { loss, optimizer: new Adam(model.parameters()), epochs: 1, ...mistake(model) };
  return fit(model, data, options as FitOptions<Linear, Batch>);
}

test.each<[string, (model: Linear) => object, string]>([
  [
    'an optimiser of another model',
    () => ({ optimizer: new Adam(new Linear(1, 1).parameters()) }),
    'fit: optimizer is one with no parameter that the loss depends on, expected one of the parameters of the model; make it after the model, as in new Adam(model.parameters())',
  ],
  ['gradients clipped to nothing', () => ({ clipNorm: 0 }), 'fit: clipNorm is 0, expected a finite number above 0'],
  [
    'a loss that waits',
    () => ({ loss: async (model: Linear, batch: Batch) => Promise.resolve(loss(model, batch)) }),
    'fit: the result of loss is a promise, expected a Tensor with one element; a loss is computed at once: leave async and await out of it',
  ],
  [
    'a loss that was read',
    () => ({ loss: (model: Linear, batch: Batch) => loss(model, batch).item() }),
    'expected a Tensor with one element; leave item() out, which cuts the loss off from the model',
  ],
  [
    'a state where none is carried',
    () => ({ loss: (model: Linear, batch: Batch) => [loss(model, batch), batch[0]] }),
    'expected a Tensor with one element; a loss that carries a state needs tbptt',
  ],
])('%s', async (_, mistake, message) => {
  await expect(trained(mistake)).rejects.toThrow(message);
});

test('an optimiser of a part of the model learns', async () => {
  const head = (model: Linear): object => ({ optimizer: new Adam([model.weight]) });
  await expect(trained(head)).resolves.toMatchObject({ step: 2 });
});

test('a fit that was not awaited before the next', async () => {
  const model = new Linear(1, 1);
  const data = new DataLoader(new TensorDataset([[1], [2]], [[2], [4]]));
  const run = (): Promise<unknown> => fit(model, data, { loss, optimizer: new Adam(model.parameters()), epochs: 2 });
  const first = run();
  await expect(run()).rejects.toThrow(
    'fit: model is in training already, expected one that no other fit trains; await the fit before',
  );
  const waiting = { history: first } as object;
  await expect(trained(() => waiting)).rejects.toThrow(
    'fit: history is a promise, expected what fit returned; await the fit before',
  );
  await first;
  await expect(run()).resolves.toMatchObject({ step: 4 });
});

test('batches that no data set fills', () => {
  const set = new TensorDataset([[1], [2]], [[2], [4]]);
  expect(() => new DataLoader(set, { batchSize: 3, dropLast: true })).toThrow(
    'DataLoader: batchSize is 3, expected at most 2, the length of the data set, as dropLast leaves smaller batches out',
  );
  expect(new DataLoader(set, { batchSize: 3 }).length).toBe(1);
});

test('one score for two classes', () => {
  const target = [1, 0];
  const hint = 'of a single score make classes: logits.gt(0), or probabilities.gt(0.5), in the shape of the target';
  expect(() => new Accuracy().update(tensor([[0.7], [-2]]), target)).toThrow(hint);
  expect(() => new Accuracy().update([0.7, -2], target)).toThrow(hint);
  const accuracy = new Accuracy();
  accuracy.update(tensor([0.7, -2]).gt(0), target);
  expect(accuracy.compute()).toBe(1);
});

test('labels in a list are numbers until they are said to be classes', () => {
  const batch = (labels: Int32Array | number[]): Tensor =>
    crossEntropy(tensor([[1, 2]]), new SequenceDataset([[[1]]], labels).batch([0]).target);
  expect(() => batch([1])).toThrow('give a data set Int32Array.from(values)');
  expect(batch(Int32Array.of(1)).item()).toBeCloseTo(Math.log(1 + Math.exp(-1)));
});

test('an empty prompt', () => {
  expect(() => generate(new Linear(1, 1), [])).toThrow('generate: prompt is empty, expected a list of at least one');
});

import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import { add, anomaly, AnomalyError, log, setBackend, sqrt, sum, tensor, type Tensor } from '../../src/index.js';

beforeEach(async () => setBackend(await cpu()));

const leaf = (values: number | number[]): Tensor => tensor(values, { requiresGrad: true });

describe('anomaly', () => {
  const caught = (fn: () => unknown): AnomalyError => {
    try {
      anomaly(fn);
    } catch (error) {
      if (error instanceof AnomalyError) return error;
      throw error;
    }
    throw new Error('no anomaly was found');
  };

  test('names the operation of the forward pass', () => {
    const error = caught(() => add(log(tensor([1, -1])), 1));
    expect([error.code, error.operation]).toEqual(['ERR_ANOMALY', 'log']);
    expect(error.message).toBe(
      'log: the first NaN arose here, at element 1 of a result of shape [2], from inputs of shape [2] without NaN',
    );
  });

  test.each([
    ['div', () => tensor([0]).div(0)],
    ['sub', () => tensor([Infinity]).sub(Infinity)],
    ['mm', () => tensor([[Infinity, 1]]).matmul(tensor([[0], [1]]))],
    ['sum', () => sum(tensor([Infinity, -Infinity]))],
    ['mean', () => tensor([Infinity, -Infinity]).mean()],
    ['softmax', () => tensor([-Infinity, -Infinity]).softmax(0)],
    ['pow', () => tensor([-1]).pow(0.5)],
  ])('names %s', (operation, fn) => {
    expect(caught(fn).operation).toBe(operation);
  });

  test('names the operation of the backward pass', () => {
    const x = leaf([0, 1]);
    const error = caught(() => sqrt(x).mul(0).sum().backward());
    expect(error.operation).toBe('derivative of sqrt');
  });

  test('does not mind a NaN that was there before, or none', () => {
    expect(Number.isNaN(anomaly(() => tensor([NaN]).add(1).item()))).toBe(true);
    expect(anomaly(() => tensor([1]).div(0).item())).toBe(Infinity);
  });

  test('is over afterwards', () => {
    expect(() =>
      anomaly(() => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(Number.isNaN(log(tensor(-1)).item())).toBe(true);
  });
});

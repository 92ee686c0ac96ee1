import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  add,
  anomaly,
  AnomalyError,
  isnan,
  log,
  setBackend,
  sqrt,
  sum,
  tensor,
  where,
  type Tensor,
} from '../../src/index.js';

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

  test('names a NaN that arrives with the data, where it gets into a result', () => {
    const error = caught(() =>
      tensor([1, 2])
        .mul(tensor([3, NaN]))
        .add(1),
    );
    expect(error.operation).toBe('mul');
    expect(error.message).toBe(
      'mul: NaN arrived here with the data, at element 1 of operand 2 of shape [2]; no operation made it',
    );
    expect(caught(() => tensor([NaN]).square()).operation).toBe('square');
    // Missing values that are filled in are no mistake.
    const x = tensor([1, NaN]);
    expect([...anomaly(() => where(isnan(x), 0, x).mul(2)).dataSync()]).toEqual([2, 0]);
  });

  test('says where the Infinity of a NaN comes from', () => {
    expect(caught(() => tensor([1, Infinity]).mul(2).sub(Infinity)).message).toMatch(
      /^sub: the first NaN arose here.*operand 1 holds Infinity: it arrived with the data, at element 1 of operand 1 of mul, of shape \[2\]$/,
    );
    expect(
      caught(() =>
        tensor([1, 1000])
          .exp()
          .mul(tensor([1, 0])),
      ).message,
    ).toMatch(
      /^mul: the first NaN arose here.*operand 1 holds Infinity: it arose in exp, at element 1 of a result of shape \[2\]$/,
    );
  });

  test('says which derivative made the Infinity of a NaN', () => {
    // sqrt has an infinite slope at 0, and the chain rule multiplies it by the factor 0.
    const once = caught(() => leaf([0]).mul(0).sqrt().sum().backward());
    expect(once.message).toMatch(
      /^derivative of mul: the first NaN arose here.*operand 1 holds Infinity: it arose in derivative of sqrt, at element 0 of a result of shape \[1\]$/,
    );
    const twice = caught(() => {
      const y = leaf([0]).mul(0);
      y.sqrt().add(y.exp()).sum().backward(); // two gradients come to y, and are added
    });
    expect(twice.message).toMatch(
      /^derivative of mul: .*operand 1 holds Infinity: it arose in derivative of sqrt, at element 0/,
    );
  });

  test('names the origin of an infinite loss, past infinities that are meant', () => {
    const x = leaf([1, 1000]);
    const mask = tensor([0, -Infinity]);
    expect(anomaly(() => x.add(mask).softmax(0).sum().item())).toBe(1);
    const error = caught(() => x.add(mask).softmax(0).add(x.exp()).sum().backward());
    expect([error.operation, error.message]).toEqual([
      'exp',
      'exp: the loss is Infinity: it arose in exp, at element 1 of a result of shape [2]',
    ]);
    expect(
      caught(() =>
        leaf([1, 2])
          .mul(tensor([1, Infinity]))
          .mean()
          .backward(),
      ).message,
    ).toMatch(
      /^mul: the loss is Infinity: it arrived with the data, at element 1 of operand 2 of mul, of shape \[2\]$/,
    );
  });

  test('does not mind what is infinite by itself', () => {
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

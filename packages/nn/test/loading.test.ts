import { cpu } from '@rnn/backend-cpu';
import { setBackend, StateDictError, tensor, zeros } from '@rnn/core';
import { Linear, Module, Parameter } from '@rnn/nn';
import { describe, expect, test } from 'vitest';

setBackend(await cpu());

class Tied extends Module {
  first: Parameter;
  second: Parameter;
  constructor() {
    super();
    this.first = this.second = new Parameter(zeros([2]));
  }
  forward(): void {}
}

describe('loadStateDict takes numbers on the host', () => {
  test.each([
    ['float32', Float32Array.of(1, 2)],
    ['float64, rounded', Float64Array.of(1, 2)],
    ['a list', [1, 2]],
    ['a list of JSON', ['Infinity', 'NaN'] as const],
  ])('%s', (_, data) => {
    const model = new Linear(2, 1, { bias: false });
    model.loadStateDict({ weight: { shape: [1, 2], data } });
    expect([...model.weight.dataSync()]).toEqual([...data].map(Number));
  });

  test.each([
    ['another shape', { shape: [2], data: Float32Array.of(1, 2) }, /weight has shape \[2\], expected \[1, 2\]/],
    ['too few numbers', { shape: [1, 2], data: [1] }, /weight has 1 numbers for shape \[1, 2\]/],
    ['what JSON makes of NaN elsewhere', { shape: [1, 2], data: [1, null] }, /weight has null at 1, expected numbers/],
    ['a word', { shape: [1, 2], data: 'on webgpu: await data()' }, /expected a Tensor or \{ shape, data \}/],
    ['whole numbers', { shape: [1, 2], data: Int32Array.of(1, 2) }, /weight holds int32, expected float32/],
    ['no tensor', 3, /weight is 3, expected a Tensor or \{ shape, data \}/],
  ])('but not %s', (_, weight, message) => {
    const model = new Linear(2, 1, { bias: false });
    const before = [...model.weight.dataSync()];
    expect(() => model.loadStateDict({ weight: weight as never })).toThrow(StateDictError);
    expect(() => model.loadStateDict({ weight: weight as never })).toThrow(message);
    expect([...model.weight.dataSync()]).toEqual(before);
  });
});

describe('tied weights', () => {
  test('one of their names is enough', () => {
    for (const name of ['first', 'second']) {
      const model = new Tied();
      expect(model.loadStateDict({ [name]: tensor([1, 2]) })).toEqual({ missing: [], unexpected: [] });
      expect([model.first.toArray(), model.second.toArray()]).toEqual([
        [1, 2],
        [1, 2],
      ]);
    }
    expect(() => new Tied().loadStateDict({})).toThrow(/missing: first, second/);
  });

  test('names that disagree are an error, and nothing is loaded', () => {
    const model = new Tied();
    const source = { first: tensor([1, 2]), second: { shape: [2], data: [1, 3] } };
    expect(() => model.loadStateDict(source)).toThrow(/second differs from first, and both are names of one parameter/);
    expect(() => model.loadStateDict(source, { strict: false })).toThrow(StateDictError);
    expect(model.first.toArray()).toEqual([0, 0]);
    model.loadStateDict({ ...source, second: { shape: [2], data: Float64Array.of(1, 2) } });
    expect(model.first.toArray()).toEqual([1, 2]);
  });
});

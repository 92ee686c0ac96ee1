import { cpu } from '@rnn/backend-cpu';
import { ArgumentError, setBackend, StateDictError, tensor, zeros, type Tensor } from '@rnn/core';
import { describe, expect, it, vi } from 'vitest';
import { GRU, Linear, LSTM, Module, RNN } from '../src/index.js';

setBackend(await cpu());

describe('copyFrom', () => {
  class Scaled extends Module {
    linear = new Linear(2, 1);
    constructor(scale: number) {
      super();
      this.registerBuffer('scale', tensor(scale));
    }
    forward(x: Tensor): Tensor {
      return this.linear.forward(x);
    }
  }
  const values = (module: Module): unknown =>
    Object.entries(module.stateDict()).map(([name, t]) => [name, t.toArray()]);

  it('takes over parameters and buffers, which stay apart afterwards, and leaves nothing behind', async () => {
    const other = await cpu();
    const [from, to] = [new Scaled(2), new Scaled(3)];
    to.to(other);
    const { weight } = to.linear;
    const before = other.memory().storages;
    expect(to.copyFrom(from)).toBe(to);
    expect(other.memory().storages).toBe(before);
    expect(values(to)).toEqual(values(from));
    expect([to.linear.weight, weight.backend]).toEqual([weight, other]);
    from.linear.weight.copy_(zeros([1, 2]));
    expect(values(to)).not.toEqual(values(from));
  });

  it('refuses what does not fit', () => {
    expect(() => new Linear(2, 1).copyFrom(new Linear(1, 2))).toThrow(StateDictError);
    expect(() => new Linear(2, 1).copyFrom({} as Module)).toThrow(ArgumentError);
    expect(() => new Linear(2, 1).copyFrom({} as Module)).toThrow(
      /copyFrom: other is .*, expected a Module of the same structure/,
    );
  });
});

it('dropout with a single layer is told of once, as in PyTorch', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const quiet = [new LSTM(2, 3, { dropout: 0.5, numLayers: 2 }), new LSTM(2, 3, { dropout: 0 })];
  expect(quiet).toHaveLength(2);
  expect(warn).not.toHaveBeenCalled();
  expect(new LSTM(2, 3, { dropout: 0.5 }).dropout).toBe(0.5);
  expect(warn.mock.calls).toEqual([
    [
      "LSTM: dropout is 0.5, but it acts after all layers but the last, and numLayers is 1, so it does nothing; use more layers, a Dropout after this one, or a cell's recurrentDropout",
    ],
  ]);
  expect(new GRU(2, 3, { dropout: 1, bidirectional: true }).dropout).toBe(1);
  expect(new RNN(2, 3, { dropout: 0.5 }).dropout).toBe(0.5);
  expect(warn).toHaveBeenCalledTimes(1);
  warn.mockRestore();
});

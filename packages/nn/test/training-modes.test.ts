import { cpu } from '@rnn/backend-cpu';
import { ones, setBackend, zeros } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Dropout, Linear, Recurrent, RNNCell, Sequential, TrainingModes } from '../src/index.js';

beforeAll(async () => setBackend(await cpu()));

const modesOf = (model: Sequential): boolean[] => model.modules().map(({ training }) => training);

describe('TrainingModes', () => {
  it('holds within run only, and again at the next run', () => {
    const model = new Sequential(new Linear(1, 1), new Dropout(0.5));
    const modes = new TrainingModes(model);
    modes.run(() => model.eval());
    expect(modesOf(model)).toEqual([true, true, true]);
    expect(modes.run(() => modesOf(model))).toEqual([false, false, false]);
    model.children()[0].eval(); // outside: the module's own mode
    modes.run(() => model.children()[1].train());
    expect(modes.run(() => modesOf(model))).toEqual([false, false, true]);
    expect(modesOf(model)).toEqual([true, false, true]);
  });

  it('is as before after an error, and the innermost one is in force', () => {
    const model = new Dropout(0.5);
    const [outer, inner] = [new TrainingModes(model), new TrainingModes(model)];
    outer.run(() => {
      model.eval();
      inner.run(() => model.train());
      expect(inner.run(() => model.training)).toBe(true);
      expect(() =>
        inner.run(() => {
          throw new Error('within');
        }),
      ).toThrow('within');
      expect(model.training).toBe(false);
    });
    expect(model.training).toBe(true);
  });

  it('reaches steps that were traced in the other mode', () => {
    const cell = new RNNCell(2, 2, { recurrentDropout: 1 });
    const layer = new Recurrent(cell);
    const [x, h] = [zeros([3, 1, 2]), ones([1, 2])];
    const run = (): number[] => layer.forward(x, h)[0].dataSync() as unknown as number[];
    const evaluation = new TrainingModes(layer);
    evaluation.run(() => layer.eval());
    const dropped = [...run()];
    const whole = [...evaluation.run(run)];
    expect(whole).not.toEqual(dropped);
    expect([...run()]).toEqual(dropped);
    layer.eval();
    expect([...run()]).toEqual(whole);
  });
});

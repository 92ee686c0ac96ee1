import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import {
  ArgumentError,
  fromData,
  getBackend,
  manualSeed,
  noGrad,
  randn,
  scope,
  setBackend,
  ShapeError,
  type Tensor,
} from '@rnn/core';
import { Dropout, Embedding, GRU, Linear, LSTM, LSTMCell, Module, Recurrent, RNN, type LSTMState } from '@rnn/nn';
import { stream, type SavedSession } from '@rnn/train';
import { beforeEach, describe, expect, test } from 'vitest';
import { answersLater } from '@rnn/conformance/answers-later';

class Forecast extends Module {
  lstm = new LSTM(3, 5, { numLayers: 2 });
  dropout = new Dropout(0.5);
  head = new Linear(5, 2);
  forward(x: Tensor, state?: LSTMState): [Tensor, LSTMState] {
    const [output, last] = this.lstm.forward(x, state);
    return [this.head.forward(this.dropout.forward(output)), last];
  }
}

class Chars extends Module {
  embedding = new Embedding(7, 3);
  gru = new GRU(3, 4);
  forward(x: Tensor, state?: Tensor): [Tensor, Tensor] {
    return this.gru.forward(this.embedding.forward(x), state);
  }
}

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(3);
});

/** What a model says of a whole sequence `[T][F]` at once. */
function outputsOf(
  model: Module & { forward(x: Tensor): readonly [Tensor, unknown] },
  samples: number[][],
): number[][] {
  model.eval();
  const x = fromData(Float32Array.from(samples.flat()), [samples.length, 1, samples[0].length]);
  const [y] = noGrad(() => model.forward(x));
  model.train();
  return (y.toArray() as number[][][]).map(([row]) => row);
}

function sequence(length: number): number[][] {
  return randn([length, 3]).toArray() as number[][];
}

function expectClose(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  expected.forEach((value, i) => expect(actual[i]).toBeCloseTo(value, 5));
}

describe('one session', () => {
  test.each([
    ['a model of layers', () => new Forecast()],
    ['a layer', () => new RNN(3, 4)],
    ['a cell', () => new Recurrent(new LSTMCell(3, 4))],
  ])('of %s: sample by sample as the whole sequence at once', async (_, make) => {
    const model = make() as Forecast;
    const samples = sequence(6);
    const sessions = stream(model);
    const expected = outputsOf(model, samples);
    for (const [t, sample] of samples.entries()) {
      const output = t % 2 === 0 ? await sessions.push(sample) : sessions.pushSync(Float32Array.from(sample));
      expectClose(output, expected[t]);
    }
    expect(model.training).toBe(true);
  });

  test('of indices', async () => {
    const model = new Chars();
    const [y] = noGrad(() => model.forward(fromData(Int32Array.of(3, 0, 6), [3, 1])));
    const expected = y.toArray() as number[][][];
    const sessions = stream(model);
    for (const [t, index] of [3, 0, 6].entries())
      expectClose(await sessions.push(Int32Array.of(index)), expected[t][0]);
  });

  test('answers in the order of the calls, where they are not awaited one by one, and on a backend that answers later', async () => {
    const samples = sequence(4);
    const model = new Forecast();
    const expected = outputsOf(model, samples);
    await model.moveTo(answersLater(await cpu()));
    const sessions = stream(model);
    const outputs = await Promise.all(samples.map((sample) => sessions.push(sample)));
    outputs.forEach((output, t) => expectClose(output, expected[t]));
  });

  test('a step of its own takes any model', async () => {
    const cell = new LSTMCell(3, 4);
    const whole = new Recurrent(cell);
    const samples = sequence(3);
    const expected = outputsOf(whole, samples);
    const sessions = stream(cell, {
      step: (cell, x, state?: LSTMState) => {
        const next = cell.forward(x.select(0, 0), state);
        return [next[0], next];
      },
    });
    for (const [t, sample] of samples.entries()) expectClose(await sessions.push(sample), expected[t]);
  });
});

describe('many sessions', () => {
  test('in any company and order: each as if it were alone', async () => {
    const model = new Forecast();
    const names = ['a', 'b', 'c', 3, 4] as const;
    const all = new Map(names.map((name) => [name, sequence(12)] as const));
    const expected = new Map(names.map((name) => [name, outputsOf(model, all.get(name) ?? [])] as const));
    const reached = new Map<string | number, number>();
    const sessions = stream(model);
    // Whoever is even in the bits of the round comes; every second round in reverse.
    for (let round = 1; round < 12; round++) {
      const present = names.filter((_, i) => ((round >> (i % 3)) + i) % 2 === 0);
      const ids = round % 2 === 0 ? present.toReversed() : present;
      if (ids.length === 0) continue;
      const at = (id: (typeof names)[number]): number => reached.get(id) ?? 0;
      const { shape, data } = await sessions.step(
        ids,
        ids.map((id) => all.get(id)?.[at(id)] ?? []),
      );
      expect(shape).toEqual([ids.length, 2]);
      ids.forEach((id, row) => expectClose(data.subarray(row * 2, row * 2 + 2), expected.get(id)?.[at(id)] ?? []));
      for (const id of ids) reached.set(id, at(id) + 1);
    }
    expect(sessions.size).toBe(5);
    expect(new Set(sessions.ids())).toEqual(new Set(names));
  });

  test('a saved one goes on elsewhere, by way of JSON', async () => {
    const model = new Forecast();
    const samples = sequence(6);
    const expected = outputsOf(model, samples);
    const [here, there] = [stream(model), stream(model)];
    for (const sample of samples.slice(0, 3)) await here.step(['x', 'y'], [sequence(1)[0], sample]);
    const text = JSON.stringify(await here.save('y'));
    there.restore(JSON.parse(text) as SavedSession);
    for (let t = 3; t < 6; t++) expectClose(await there.push(samples[t]), expected[t]);
    // And back in time where it was.
    here.restore(JSON.parse(text) as SavedSession, 'y');
    expectClose((await here.step(['y'], [samples[3]])).data, expected[3]);
  });

  test('a dropped one begins anew, and memory follows the number of sessions', async () => {
    const model = new Forecast();
    const before = getBackend().memory();
    const sessions = stream(model);
    const ids = Array.from({ length: 64 }, (_, i) => i);
    const samples = ids.map(() => [1, 2, 3]);
    const first = await sessions.step(ids, samples);
    const full = getBackend().memory().bytes;
    for (const id of ids.slice(4)) expect(sessions.drop(id)).toBe(true);
    expect(sessions.drop(63)).toBe(false);
    expect(getBackend().memory().bytes - before.bytes).toBeLessThan((full - before.bytes) / 8);
    await sessions.step([3], [[1, 2, 3]]);
    sessions.drop(3);
    expect((await sessions.step([3], [[1, 2, 3]])).data).toEqual(first.data.slice(0, 2));
    sessions.dispose();
    expect(sessions.size).toBe(0);
    expect(getBackend().memory()).toEqual(before);
  });
});

test('a step adds no storage and no byte, at any of 10,000', () => {
  const model = new Forecast();
  const sessions = stream(model);
  const sample = Float32Array.of(1, 2, 3);
  const ids = [1, 2, 3];
  const samples = { shape: [3, 3], data: new Float32Array(9) };
  for (let i = 0; i < 3; i++) {
    sessions.pushSync(sample);
    sessions.stepSync(ids, samples);
  }
  const backend = getBackend();
  const { storages, bytes } = backend.memory();
  let grown = 0;
  for (let i = 0; i < 10_000; i++) {
    if (i % 2 === 0) sessions.pushSync(sample);
    else sessions.stepSync(ids, samples);
    const now = backend.memory();
    if (now.storages !== storages || now.bytes !== bytes) grown++;
  }
  expect(grown).toBe(0);
});

test('the whole step is one program: nothing else is asked of the backend', () => {
  // The sum of the two biases is not a part of the step.
  const sessions = stream(new Recurrent([new LSTMCell(3, 4, { bias: false }), new LSTMCell(4, 2, { bias: false })]));
  for (let i = 0; i < 3; i++) sessions.pushSync([1, 2, 3]);
  const backend = getBackend();
  const asked: string[] = [];
  const kernels = ['fill', 'unary', 'binary', 'select', 'copy', 'concat', 'gather', 'reduce', 'matmul'] as const;
  for (const name of kernels) {
    const kernel = backend[name].bind(backend) as (...args: unknown[]) => never;
    Object.assign(backend, {
      [name]: (...args: unknown[]) => {
        asked.push(name);
        return kernel(...args);
      },
    });
  }
  sessions.pushSync([1, 2, 3]);
  expect(asked).toEqual([]);
  scope(() => randn([2]).add(1)); // the counters count
  expect(asked).not.toEqual([]);
});

test('refuses what makes no sense, and then nothing has changed', async () => {
  const model = new Forecast();
  const samples = sequence(2);
  const expected = outputsOf(model, samples);
  const sessions = stream(model);
  await sessions.step(['a', 'b'], [samples[0], samples[0]]);
  const before = getBackend().memory();
  await expect(sessions.step(['a', 'a'], [samples[1], samples[1]])).rejects.toThrow(/'a' twice, expected each once/);
  await expect(sessions.step(['a', 'b'], [samples[1]])).rejects.toThrow(ShapeError);
  await expect(sessions.step(['a', 'b'], [[1], [2]])).rejects.toThrow(ShapeError);
  await expect(sessions.step(['a', 'new'], [[1], [2]])).rejects.toThrow(ShapeError);
  await expect(sessions.step([], [])).rejects.toThrow(ArgumentError);
  await expect(sessions.save('nobody')).rejects.toThrow(ArgumentError);
  expect(() => sessions.restore([{ shape: [1, 2], dtype: 'float32', data: [1] }])).toThrow(ArgumentError);
  expect(() => sessions.restore([{ shape: [1, 2], dtype: 'float32', data: [1, 2] }])).toThrow(ShapeError);
  expect(getBackend().memory()).toEqual(before);
  expectClose((await sessions.step(['b', 'a'], [samples[1], samples[1]])).data, [...expected[1], ...expected[1]]);
  // @ts-expect-error -- no module
  expect(() => stream({})).toThrow(ArgumentError);
});

test('however many sessions come together: each as if it were alone, and no program for each number', () => {
  const backend = getBackend();
  const compile = backend.compile?.bind(backend);
  let programs = 0;
  backend.compile = (program) => {
    programs++;
    return compile?.(program);
  };
  const model = new GRU(3, 4);
  const sessions = stream(model);
  const samples = sequence(2);
  const expected = outputsOf(model, samples);
  const stepOf = (count: number): void => {
    const ids = Array.from({ length: count }, (_, i) => `${count}:${i}`);
    const rows = (sample: number[]): number[][] => ids.map(() => sample);
    sessions.stepSync(ids, rows(samples[0]));
    const { data } = sessions.stepSync(ids, rows(samples[1]));
    for (let row = 0; row < count; row++) expectClose(data.subarray(row * 4, row * 4 + 4), expected[1]);
  };
  stepOf(9);
  const before = programs;
  for (let count = 10; count < 30; count++) stepOf(count);
  expect(programs).toBe(before);
});

describe.each(['float32', 'float64'] as const)('a model of %s', (dtype) => {
  test('takes samples in any type of numbers', async () => {
    const model = new GRU(2, 3, { dtype });
    const kinds = [[0.5, 2], Float32Array.of(0.5, 2), Float64Array.of(0.5, 2)];
    const outputs = await Promise.all(kinds.map(async (sample) => stream(model).push(sample)));
    const [x] = await Promise.all(kinds.map(async (data) => stream(model).step(['a'], { shape: [1, 2], data })));
    for (const output of [...outputs, x.data]) expect(output).toEqual(outputs[0]);
    expect(outputs[0]).toBeInstanceOf(dtype === 'float32' ? Float32Array : Float64Array);
  });
});

test('samples in float64 on a backend of float32', async () => {
  setBackend(await wasm({ threads: 1 }));
  const model = new LSTM(2, 3);
  expect(await stream(model).push(Float64Array.of(1, 2))).toEqual(await stream(model).push([1, 2]));
});

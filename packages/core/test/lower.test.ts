import { cpu } from '@rnn/backend-cpu';
import { beforeAll, expect, test } from 'vitest';
import {
  linear,
  lower,
  manualSeed,
  noGrad,
  randn,
  scan,
  setBackend,
  softmax,
  tanh,
  type Backend,
  type LoweredPass,
  type Storage,
  type Tensor,
  zeros,
} from '../src/index.js';
import { executeProgram } from '../src/compiler/run/interpreter.js';

let backend: Backend;

beforeAll(async () => {
  backend = await cpu();
  setBackend(backend);
});

/**
 * Runs a forward pass from its data alone, as a reader of it would, by the primitives of a backend.
 */
function run(
  pass: LoweredPass,
  given: Map<string, Storage>,
  states: Storage[],
  steps: number,
  rows: number,
): Storage[] {
  const at = (name: string): Storage => given.get(name) as Storage;
  for (const { name, inputs, run: perform } of pass.constants)
    given.set(name, perform?.(backend, inputs.map(at)) as Storage);
  let last: readonly Storage[] = states;
  for (const { when, program, xs, perRow, consts, ys } of pass.stages) {
    const isLoop = when === 'loop';
    const made = executeProgram(backend, program, {
      steps: isLoop ? steps : 1,
      rows: isLoop || when === 'once' ? rows : steps * rows,
      xs: xs.map(at),
      carry: isLoop ? states : [],
      perRow: perRow.map(at),
      consts: consts.map(at),
    });
    ys.forEach((name, i) => given.set(name, made.ys[i]));
    if (isLoop) ({ carry: last } = made);
  }
  return [...last];
}

test('the data of a step suffice to run it', () => {
  manualSeed(3);
  const [Wx, Wh, b, Wo] = [randn([4, 3]), randn([4, 4]), randn([4]), randn([2, 4])];
  const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => {
    const next = tanh(linear(x, Wx, b).add(linear(h, softmax(Wh, 0))));
    return [linear(next, Wo), next];
  };
  const [xs, h0] = [randn([5, 2, 3]), randn([2, 4])];
  const { inputs, states, captured, outputs, forward, training } = lower(step, xs, h0);
  expect(training).toBeUndefined();
  expect(forward.stages.map(({ when }) => when)).toEqual(['before', 'loop', 'after']);
  expect([inputs, states, outputs.map(({ shape }) => shape)]).toEqual([
    [{ name: 'x0', width: 3, dtype: 'float32' }],
    [{ name: 'h0', width: 4, dtype: 'float32' }],
    [[2]],
  ]);
  const given = new Map(captured.map(({ name, tensor }) => [name, tensor.storage]));
  given.set('x0', xs.storage);
  const [last] = run(forward, given, [h0.storage], 5, 2);
  const [ys, hn] = scan(step, xs, h0);
  expect(Array.from(backend.readSync(given.get(outputs[0].name) as Storage))).toEqual(Array.from(ys.dataSync()));
  expect(Array.from(backend.readSync(last))).toEqual(Array.from(hn.dataSync()));
});

test('programs are plain data', () => {
  const { forward } = lower((x, h) => [h, h.mul(2).add(x)], zeros([3, 1, 2]), zeros([1, 2]));
  const [{ program }] = forward.stages;
  expect(structuredClone(program)).toEqual(program);
});

test('a training has a backward pass', () => {
  const w = randn([2, 2]);
  w.requiresGrad = true;
  const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => [h, tanh(linear(h, w).add(x))];
  const { training } = lower(step, zeros([3, 1, 2]), zeros([1, 2]));
  expect(training?.backward.reduced.map(({ kind }) => kind)).toContain('productRows');
  expect(noGrad(() => lower(step, zeros([3, 1, 2]), zeros([1, 2]))).training).toBeUndefined();
});

test('says why a step has no programs', () => {
  expect(() => lower((x, h) => [h, h.add(x.sum().item())], zeros([3, 1, 2]), zeros([1, 2]))).toThrow(
    /reads data|cannot be compiled/,
  );
});

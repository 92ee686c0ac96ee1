import { readFile } from 'node:fs/promises';
import { cpu } from '@rnn/backend-cpu';
import { wasm } from '@rnn/backend-wasm';
import { Generator, manualSeed, scope, setBackend, tensor, type Backend } from '@rnn/core';
import { describe, expect, test } from 'vitest';
import { canvas, examples } from '../../web/src/demos/draw/examples.ts';
import { DrawExperiment } from '../../web/src/demos/draw/experiment.ts';
import { components, drawStep, gaussians, mixtureLoss, mixtureSize } from '../../web/src/demos/draw/mixture.ts';
import { evenly, penSteps, read, strokesOf, written } from '../../web/src/demos/draw/strokes.ts';

interface Twin {
  readonly shape: [number, number];
  readonly output: number[];
  readonly target: number[];
  readonly loss: number;
  readonly grad: number[];
}

describe.each<[string, () => Promise<Backend>]>([
  ['cpu', () => cpu()],
  ['wasm', () => wasm({ threads: 1 })],
])('%s', (_, start) => {
  test('likelihood and gradient of the mixture are those of torch.distributions', async () => {
    setBackend(await start());
    const twin = JSON.parse(await readFile(new URL('mixture.json', import.meta.url), 'utf8')) as Twin;
    const [T, B] = twin.shape;
    const output = tensor(Float32Array.from(twin.output), { requiresGrad: true }).reshape([T, B, mixtureSize]);
    output.retainGrad();
    const loss = mixtureLoss(output, tensor(Float32Array.from(twin.target)).reshape([T, B, 3]));
    expect(Math.abs(loss.item() / twin.loss - 1)).toBeLessThan(1e-5);
    loss.backward();
    const grad = Float32Array.from((await output.grad?.data()) ?? []);
    const largest = Math.max(...twin.grad.map(Math.abs));
    for (const [i, value] of twin.grad.entries())
      expect(Math.abs((grad[i] ?? NaN) - value)).toBeLessThan(1e-5 * largest);
  });
});

test('steps are drawn with the mixture’s own mean, covariance and chance to lift', () => {
  const output = new Float32Array(mixtureSize);
  // Two Gaussians with weights 0.75 and 0.25; the others are impossible.
  output.fill(-40, 0, components);
  output.set([Math.log(3), 0], 0);
  output.set([1, -3], components);
  output.set([2, 0], 2 * components);
  output.set([Math.log(0.5), Math.log(0.1)], 3 * components);
  output.set([Math.log(0.25), Math.log(0.1)], 4 * components);
  output.set([Math.atanh(0.6 / 0.98), 0], 5 * components);
  output[6 * components] = Math.log(1 / 4); // lifted in one of five
  const generator = new Generator(5);
  const steps = Array.from({ length: 40_000 }, () => drawStep(output, generator, 1));
  const mean = (of: (step: (typeof steps)[number]) => number): number =>
    steps.reduce((sum, step) => sum + of(step), 0) / steps.length;
  expect(mean(({ dx }) => dx)).toBeCloseTo(0.75 * 1 + 0.25 * -3, 1);
  expect(mean(({ lifted }) => Number(lifted))).toBeCloseTo(0.2, 1);
  const first = steps.filter(({ dx }) => dx > -2);
  expect(first.length / steps.length).toBeCloseTo(0.75, 1);
  const covariance = first.reduce((sum, { dx, dy }) => sum + (dx - 1) * (dy - 2), 0) / first.length;
  expect(covariance).toBeCloseTo(0.6 * 0.5 * 0.25, 2);
  expect(gaussians(output).map(({ weight }) => weight)[0]).toBeCloseTo(0.75, 6);
  // Near 0 only the likeliest mean is left.
  const cold = drawStep(output, generator, 1e-6);
  expect([cold.dx, cold.dy, cold.lifted]).toEqual([expect.closeTo(1, 2), expect.closeTo(2, 2), false]);
});

test('points at equal distances: as many as the line is long, whatever the hand’s speed', () => {
  const slow = Array.from({ length: 101 }, (_, i) => ({ x: i, y: 0 }));
  const fast = [slow[0], slow[33], slow[100]] as { x: number; y: number }[];
  expect(evenly(fast, 8)).toHaveLength(13);
  for (const [i, { x }] of evenly(slow, 8).entries()) expect(x).toBeCloseTo(8 * i, 9);
  expect(evenly([], 8)).toEqual([]);
});

test('steps of a drawing lead back to it, lifted pen and all', () => {
  const strokes = [
    [
      { x: 10, y: 10 },
      { x: 14, y: 10 },
      { x: 14, y: 14 },
    ],
    [
      { x: 30, y: 30 },
      { x: 34, y: 30 },
    ],
  ];
  const { shape, data } = penSteps(strokes, 4);
  expect(shape).toEqual([4, 3]);
  expect([...data]).toEqual([1, 0, 0, 0, 1, 1, 4, 4, 0, 1, 0, 1]);
  const steps = Array.from({ length: 4 }, (_, i) => {
    const [dx = NaN, dy = NaN, lifted] = data.subarray(3 * i);
    return { dx, dy, lifted: lifted === 1 };
  });
  expect(strokesOf(steps, 4, { x: 10, y: 10 })).toEqual(strokes);
});

test('a drawing goes into an address and comes back', () => {
  const strokes = [
    [
      { x: 0, y: 4095 },
      { x: 320, y: 77 },
    ],
    [
      { x: 64, y: 63 },
      { x: 1, y: 2 },
    ],
  ];
  expect(read(written(strokes))).toEqual(strokes);
  for (const text of ['', 'abc', 'a?cd', 'AAAA.AAA']) expect(read(text)).toBeUndefined();
});

test.each(Object.keys(examples))('%s: an example lies within the canvas and is long enough', (name) => {
  const points = (examples[name]?.() ?? []).flat();
  for (const { x, y } of points) {
    expect(x).toBeGreaterThan(0);
    expect(x).toBeLessThan(canvas.width * 0.65);
    expect(Math.abs(y - canvas.height / 2)).toBeLessThan(canvas.height / 2);
  }
});

test('waves: after 250 steps the continuation keeps going right, up and down', async () => {
  setBackend(await wasm({ threads: 1 }));
  manualSeed(0);
  const experiment = new DrawExperiment({
    seed: 0,
    settings: { strokes: examples.waves?.() ?? [], hidden: 48, temperature: 0.5 },
  });
  let last = NaN;
  const first = scope(() => experiment.step().item());
  for (let step = 0; step < 250; step++) last = scope(() => experiment.step().item());
  expect(last).toBeLessThan(first - 2);
  const { continuations } = await experiment.chance(0.2);
  for (const steps of continuations) {
    const points = strokesOf(steps, 8, { x: 420, y: 160 }).flat();
    expect(points.at(-1)?.x).toBeGreaterThan(500);
    const heights = points.map(({ y }) => y);
    expect(Math.max(...heights) - Math.min(...heights)).toBeGreaterThan(100);
  }
});

test('too short a drawing is refused in a visitor’s words', () => {
  const strokes = [
    [
      { x: 0, y: 0 },
      { x: 50, y: 0 },
    ],
  ];
  expect(() => new DrawExperiment({ seed: 0, settings: { strokes, hidden: 8, temperature: 0.5 } })).toThrow(
    /too short/,
  );
});

import { cpu } from '@rnn/backend-cpu';
import { fromData, gradcheck, manualSeed, ones, randn, setBackend, type Tensor } from '@rnn/core';
import { readFileSync } from 'node:fs';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LRU, type LRUState } from '../src/index.js';
import { expectClose } from './close.js';
import { checkRefused } from './refused.js';

beforeAll(async () => setBackend(await cpu()));
beforeEach(() => void manualSeed(0));

interface Numbers {
  readonly shape: number[];
  readonly data: number[];
}

interface Case {
  readonly sizes: readonly [inputSize: number, stateSize: number, outputSize: number];
  readonly lengths: number[];
  readonly reverse: boolean;
  readonly parameters: Record<string, Numbers>;
  readonly x: Numbers;
  readonly state: Numbers[] | null;
  readonly weights: Numbers[];
  readonly results: Numbers[];
  readonly grads: Record<string, Numbers>;
}

const cases = JSON.parse(readFileSync(new URL('cases/lru.json', import.meta.url), 'utf8')) as Case[];

const float = ({ shape, data }: Numbers, requiresGrad = false): Tensor =>
  fromData(Float64Array.from(data), shape, { requiresGrad });

describe("the numbers of PyTorch's complex numbers", () => {
  it.each(cases.flatMap((one, i) => (['required', 'never'] as const).map((compile) => [i, compile, one] as const)))(
    'case %i, compile %s',
    (_, compile, one) => {
      const [inputSize, stateSize, outputSize] = one.sizes;
      const layer = new LRU(inputSize, stateSize, { outputSize, dtype: 'float64' });
      layer.loadStateDict(
        Object.fromEntries(Object.entries(one.parameters).map(([name, value]) => [name, float(value)])),
      );
      const x = float(one.x, true);
      const state = one.state?.map((part) => float(part, true)) as LRUState | undefined;
      const { lengths, reverse } = one;
      const [y, [re, im]] = layer.forward(x, state, { lengths, reverse, compile });
      const results = [y, re, im];
      results.forEach((result, i) => expectClose(result, float(one.results[i]), 1e-12));
      results
        .map((result, i) => result.mul(float(one.weights[i])).sum())
        .reduce((a, b) => a.add(b))
        .backward();
      const leaves = {
        ...Object.fromEntries(layer.namedParameters()),
        x,
        ...(state && { re: state[0], im: state[1] }),
      };
      expect(Object.keys(leaves).sort()).toEqual(Object.keys(one.grads).sort());
      for (const [name, expected] of Object.entries(one.grads))
        expectClose((leaves as Record<string, Tensor>)[name].grad, float(expected), 1e-11);
    },
  );
});

describe('LRU', () => {
  it('begins with λ on the ring, and gamma keeps the state as large as the input', () => {
    const layer = new LRU(4, 2000, { rMin: 0.5, rMax: 0.9, maxPhase: 1, dtype: 'float64' });
    const magnitudes = layer.nu_log.exp().neg().exp().dataSync();
    const phases = layer.theta_log.exp().dataSync();
    const gammas = layer.gamma_log.exp().dataSync();
    let inner = 0;
    magnitudes.forEach((r, i) => {
      expect(r).toBeGreaterThanOrEqual(0.5);
      expect(r).toBeLessThanOrEqual(0.9);
      expect(phases[i]).toBeLessThanOrEqual(1);
      expect(gammas[i]).toBeCloseTo(Math.sqrt(1 - r * r), 10);
      inner += Number(r < Math.sqrt((0.25 + 0.81) / 2)); // half of the ring's area
    });
    expect(Math.abs(inner / 2000 - 0.5)).toBeLessThan(0.05);
  });

  it('is linear in the carry, with no product in the loop', () => {
    const [{ name, mode, products, carry }] = new LRU(3, 4).explain(ones([7, 2, 3]));
    expect({ name, mode, carry, loop: products.loop }).toEqual({
      name: 'lru',
      mode: 'compiled',
      carry: ['linear', 'linear'],
      loop: 0,
    });
  });

  it('takes single sequences, the batch first, masks and resets, and gives what it taps', () => {
    const [layer, turned] = [new LRU(3, 4), new LRU(3, 4, { batchFirst: true })];
    turned.loadStateDict(layer.stateDict());
    const x = randn([5, 2, 3]);
    const [y, last] = layer.forward(x);
    expectClose(layer.forward(x.select(1, 0))[0], y.select(1, 0));
    expectClose(turned.forward(x.transpose(0, 1))[0].transpose(0, 1), y);
    const resets = [0, 0, 1, 0, 0].map((mark) => [mark, mark]);
    const [again] = layer.forward(x, last, { resets, resetTo: 'initial' });
    expectClose(again.slice(0, 2), layer.forward(x.slice(0, 2))[0]);
    const [masked] = layer.forward(x, undefined, { mask: [1, 1, 0, 1, 1].map((mark) => [mark, mark]) });
    expect([...masked.select(0, 2).dataSync()].every((value) => value === 0)).toBe(true);
    const [, end, { re, y: same }] = layer.forward(x, undefined, { record: ['re', 'y'] });
    expectClose(re.select(0, 4), end[0]);
    expectClose(same, y);
  });

  it('carries its state from piece to piece', () => {
    const layer = new LRU(3, 4);
    const x = randn([6, 2, 3]);
    const [whole, last] = layer.forward(x);
    const [first, state] = layer.forward(x.slice(0, 0, 2));
    const [rest, end] = layer.forward(x.slice(0, 2), state);
    expectClose(first, whole.slice(0, 0, 2));
    expectClose(rest, whole.slice(0, 2));
    end.forEach((part, i) => expectClose(part, last[i]));
  });

  it('has right derivatives by its parameters', () => {
    const layer = new LRU(2, 3, { dtype: 'float64' });
    const x = randn([4, 2, 2], { dtype: 'float64' });
    expect(gradcheck(() => layer.forward(x)[0], layer.parameters())).toBe(true);
  });
});

describe('mistakes', () => {
  checkRefused([
    [() => new LRU(0, 2), 'LRU: inputSize is 0, expected a whole number from 1 up'],
    [() => new LRU(2, 2, { rMin: 0.9, rMax: 0.5 }), 'LRU: rMin is 0.9, expected a number from 0 to 0.5'],
    [() => new LRU(2, 2).forward(ones([4, 1, 3])), /LRU: input has shape \[1, 3\], expected/],
    [
      () => new LRU(2, 2).forward(ones([4, 1, 2]), ones([1, 2]) as never),
      /^LRU: state is a Tensor of shape \[1, 2\], expected the array \[re, im\]/,
    ],
    [
      () => new LRU(2, 2).forward(ones([4, 1, 2]), [ones([1, 3]), ones([1, 3])]),
      /^LRU: state has shape \[1, 3\], expected \[1, 2\]/,
    ],
  ]);
});

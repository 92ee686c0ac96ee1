/**
 * Steps made of operations drawn at random: an exported module computes what the step computes,
 * whatever it is made of.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { concat, manualSeed, maximum, noGrad, randn, setBackend, softmax, where, zeros, type Tensor } from '@rnn/core';
import { LayerNorm, Linear, Module, Recurrent, type Cell } from '@rnn/nn';
import { exportModule } from '../../src/index.js';
import { imported } from './exported.js';

setBackend(await cpu());

/** Functions with slopes of at most 4, so that rounding stays what it is. */
const functions: readonly ((x: Tensor) => Tensor)[] = [
  (x) => x.neg(),
  (x) => x.abs().neg().exp(),
  (x) => x.abs().add(0.5).log(),
  (x) => x.abs().add(0.1).sqrt(),
  (x) => x.tanh().square(),
  (x) => x.abs().add(0.5).reciprocal(),
  (x) => x.abs(),
  (x) => x.sign(),
  (x) => x.tanh(),
  (x) => x.sigmoid(),
  (x) => x.relu(),
  (x) => x.softplus(),
  (x) => x.tanh().add(1.5).pow(1.25),
  (x) => softmax(x, -1),
  (x) => x.sum(-1, true),
  (x) => x.mean(-1, true),
  (x) => x.amax(-1, true),
  (x) => x.amin(-1, true),
  (x) => x.narrow(-1, 0, Math.ceil(x.shape[x.rank - 1] / 2)),
  (x) => x.narrow(-1, Math.floor(x.shape[x.rank - 1] / 3), 1),
  (x) => x.flip([-1]),
];

/** Of two values of which the second is cut or spread to the first one's width. */
const pairs: readonly ((x: Tensor, y: Tensor) => Tensor)[] = [
  (x, y) => x.add(y),
  (x, y) => x.sub(y),
  (x, y) => x.tanh().mul(y.tanh()),
  (x, y) => x.div(y.abs().add(0.5)),
  (x, y) => maximum(x, y),
  (x, y) => x.minimum(y),
  (x, y) => where(x.gt(y), x, y.tanh()),
  (x, y) => where(x.le(0.25), y, 0.5),
  (x, y) => x.lt(y).add(x.ne(y)),
  (x, y) => concat([x, y], -1),
];

type Choice =
  | { readonly kind: 'function'; readonly which: number; readonly x: number }
  | { readonly kind: 'pair'; readonly which: number; readonly x: number; readonly y: number }
  | { readonly kind: 'linear'; readonly width: number; readonly x: number }
  | { readonly kind: 'norm'; readonly x: number };

const place = fc.nat(20);
const choice: fc.Arbitrary<Choice> = fc.oneof(
  fc.record({ kind: fc.constant('function' as const), which: fc.nat(functions.length - 1), x: place }),
  fc.record({ kind: fc.constant('pair' as const), which: fc.nat(pairs.length - 1), x: place, y: place }),
  fc.record({ kind: fc.constant('linear' as const), width: fc.integer({ min: 1, max: 21 }), x: place }),
  fc.record({ kind: fc.constant('norm' as const), x: place }),
);

/** A cell whose step is a list of choices; its layers are made when they are met first. */
class RandomCell extends Module implements Cell {
  readonly layers: Module[];
  readonly out: Linear;
  readonly width: number;

  constructor(choices: readonly Choice[], inputs: number, width: number) {
    super();
    this.width = width;
    const widths = [inputs, width];
    const layers: Module[] = [];
    this.#steps = choices.map((one) => {
      const x = one.x % widths.length;
      const own = widths[x];
      if (one.kind === 'function') {
        const probe = noGrad(() => functions[one.which](zeros([1, own])).shape[1]);
        widths.push(probe);
        return (values) => functions[one.which](values[x]);
      }
      if (one.kind === 'pair') {
        const y = one.y % widths.length;
        const fitted = (value: Tensor): Tensor => (widths[y] < own ? value.narrow(-1, 0, 1) : value.narrow(-1, 0, own));
        const probe = noGrad(() => pairs[one.which](zeros([1, own]), fitted(zeros([1, widths[y]]))).shape[1]);
        widths.push(probe);
        return (values) => pairs[one.which](values[x], fitted(values[y]));
      }
      const layer = one.kind === 'linear' ? new Linear(own, one.width) : new LayerNorm(own, { eps: 0.1 });
      layers.push(layer);
      widths.push(one.kind === 'linear' ? one.width : own);
      return (values) => layer.forward(values[x]);
    });
    this.layers = layers;
    this.out = new Linear(widths[widths.length - 1], width);
  }

  readonly #steps: readonly ((values: readonly Tensor[]) => Tensor)[];

  forward(x: Tensor, h: Tensor): Tensor {
    const values = [x, h];
    for (const step of this.#steps) values.push(step(values));
    return this.out
      .forward(values[values.length - 1])
      .tanh()
      .mul(0.5)
      .add(h.mul(0.5));
  }

  initialState(batch?: number): Tensor {
    return zeros(batch === undefined ? [this.width] : [batch, this.width]);
  }
}

test('steps of random operations', async () => {
  const net = fc.record({
    choices: fc.array(choice, { minLength: 1, maxLength: 9 }),
    inputs: fc.integer({ min: 1, max: 6 }),
    width: fc.integer({ min: 1, max: 18 }),
    seed: fc.nat(1000),
  });
  await fc.assert(
    fc.asyncProperty(net, async ({ choices, inputs, width, seed }) => {
      manualSeed(seed);
      const model = new Recurrent(new RandomCell(choices, inputs, width));
      const xs = randn([4, 1, inputs]);
      const [expected] = noGrad(() => model.forward(xs));
      const { create } = await imported(exportModule(model, [xs]));
      for (const engine of ['wasm', 'js']) {
        const received = create(engine).run(xs.dataSync());
        const numbers = expected.dataSync();
        expect(received.length).toBe(numbers.length);
        for (let i = 0; i < numbers.length; i++)
          expect(Math.abs(received[i] - numbers[i]), `${engine} ${i}`).toBeLessThanOrEqual(1e-5);
      }
    }),
    { seed: 7, numRuns: Number(process.env.RNN_FUZZ_RUNS ?? 60) },
  );
});

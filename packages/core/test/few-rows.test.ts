import { cpu } from '@rnn/backend-cpu';
import { beforeEach, expect, test } from 'vitest';
import {
  compileFn,
  concat,
  Generator,
  fromData,
  linear,
  noGrad,
  scan,
  setBackend,
  type Backend,
  type Program,
  type Tensor,
} from '../src/index.js';

/** What a backend was asked to do, but for fresh numbers and reads. */
let asked: string[];
let backend: Backend;

beforeEach(async () => {
  asked = [];
  const plain = await cpu();
  backend = Object.create(plain, {
    compile: {
      value: (program: Program) => {
        const compiled = plain.compile?.(program);
        return compiled && { run: (args: never) => (asked.push('program'), compiled.run(args)) };
      },
    },
    binary: { value: (...args: Parameters<Backend['binary']>) => (asked.push('binary'), plain.binary(...args)) },
  }) as Backend;
  setBackend(backend);
});

const generator = new Generator(3);
function draw(...shape: number[]): Tensor {
  const values = new Float32Array(shape.reduce((size, each) => size * each, 1));
  generator.uniform(values, -1, 1);
  return fromData(values, shape, { backend });
}

interface Weights {
  readonly w: Tensor;
  readonly b: Tensor;
  readonly u: Tensor;
  readonly c: Tensor;
  readonly v: Tensor;
}

/** Products before, in and after the loop, and a sum of two biases. */
function step(x: Tensor, h: Tensor, { w, b, u, c, v }: Weights): readonly [Tensor, Tensor] {
  const next = linear(x, w, b)
    .add(linear(h, u, c))
    .tanh();
  return [linear(next, v), next];
}

const weights = (inputs: number, width: number): Weights => ({
  w: draw(width, inputs),
  b: draw(width),
  u: draw(width, width),
  c: draw(width),
  v: draw(2, width),
});

test('a short call is one program and nothing else; a long one is a program for each part', () => {
  const parameters = weights(3, 4);
  const run = (steps: number): string[] => {
    asked = [];
    noGrad(() => scan(step, draw(steps, 1, 3), draw(1, 4), { parameters }));
    return asked;
  };
  for (const _ of ['first call', 'bound call']) {
    expect(run(5)).toEqual(['program']);
    expect(run(1000)).toEqual(['binary', 'program', 'program', 'program']);
  }
});

test('short and long calls give the same numbers, with lengths, resets and in reverse', () => {
  const parameters = weights(3, 4);
  const [long, state] = [draw(400, 2, 3), draw(2, 4)];
  const resets = Array.from({ length: 400 }, (_, t) => [Number(t % 3 === 1), Number(t % 4 === 2)]);
  const cases: readonly { readonly lengths?: readonly number[]; readonly resets?: readonly number[][] }[] = [
    {},
    { lengths: [3, 5] },
    { resets },
    { lengths: [4, 2], resets },
  ];
  noGrad(() => {
    for (const options of cases) {
      const all = scan(step, long, state, { ...options, parameters })[0];
      for (const steps of [1, 2, 5]) {
        const cut = options.lengths?.map((length) => Math.min(length, steps));
        const rest = { ...options, lengths: cut, resets: options.resets && resets.slice(0, steps), parameters };
        const [ys] = scan(step, long.slice(0, 0, steps), state, rest);
        const expected = all.slice(0, 0, steps).dataSync();
        ys.dataSync().forEach((value, i) => {
          const row = Math.floor(i / 2) % 2;
          if (cut === undefined || Math.floor(i / 4) < cut[row]) expect(value).toBeCloseTo(expected[i], 5);
          else expect(value).toBe(0);
        });
      }
    }
    const backwards = scan(step, long.slice(0, 0, 5), state, { parameters, reverse: true })[0].dataSync();
    const plain = scan(step, long.slice(0, 0, 5), state, { parameters, reverse: true, compile: 'never' })[0];
    plain.dataSync().forEach((value, i) => expect(backwards[i]).toBeCloseTo(value, 5));
  });
});

test.each<[string, (x: Tensor, h: Tensor, p: Weights) => readonly [Tensor, Tensor]]>([
  [
    'hands its input on',
    (x, h, p) => [
      x,
      linear(x, p.w, p.b)
        .add(linear(h, p.u, p.c))
        .tanh(),
    ],
  ],
  [
    'puts the state before out',
    (x, h, p) => [
      h,
      linear(x, p.w, p.b)
        .add(linear(h, p.u, p.c))
        .tanh(),
    ],
  ],
  [
    'multiplies one concatenation',
    (x, h, p) => {
      const next = linear(concat([x, h], -1), concat([p.w, p.u], 1), p.b.add(p.c)).tanh();
      return [next, next];
    },
  ],
  [
    'adds a row that is the same at all steps',
    (x, h, p) => {
      const next = linear(x, p.w).add(linear(h, p.u)).add(p.b.mul(2)).add(p.c).tanh();
      return [next, next];
    },
  ],
])('a step that %s gives the same in a short call', (_, own) => {
  const parameters = weights(4, 4);
  const [xs, state] = [draw(3, 2, 4), draw(2, 4)];
  noGrad(() => {
    const [ys, last] = scan(own, xs, state, { parameters, compile: 'required' });
    const [expected, end] = scan(own, xs, state, { parameters, compile: 'never' });
    ys.dataSync().forEach((value, i) => expect(value).toBeCloseTo(expected.dataSync()[i], 5));
    last.dataSync().forEach((value, i) => expect(value).toBeCloseTo(end.dataSync()[i], 5));
  });
});

test('a function of a few rows is one program, too', () => {
  const f = compileFn(([x, y]: readonly Tensor[], { w, u, b, c }: Weights) =>
    linear(x, w, b).add(c).add(linear(y, u)).tanh(),
  );
  const parameters = weights(3, 4);
  noGrad(() => {
    const [x, y] = [draw(2, 3), draw(2, 4)];
    const first = f([x, y], parameters).dataSync();
    const plain = linear(x, parameters.w, parameters.b).add(parameters.c).add(linear(y, parameters.u)).tanh();
    plain.dataSync().forEach((value, i) => expect(first[i]).toBeCloseTo(value, 5));
    asked = [];
    f([draw(2, 3), draw(2, 4)], parameters);
    expect(asked).toEqual(['program']);
  });
});

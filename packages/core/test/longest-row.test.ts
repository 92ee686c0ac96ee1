import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  concat,
  full,
  manualSeed,
  randn,
  scan,
  setBackend,
  tap,
  tanh,
  type Backend,
  type Program,
  type ProgramArguments,
  type Tensor,
} from '../src/index.js';

/** How many steps each loop had that a program ran. */
let loops: number[];

beforeEach(async () => {
  loops = [];
  const plain = await cpu();
  const compile = (program: Program): ReturnType<NonNullable<Backend['compile']>> => {
    const compiled = plain.compile?.(program);
    const run = (args: ProgramArguments): ReturnType<NonNullable<typeof compiled>['run']> => {
      if (program.carry.length > 0) loops.push(args.steps);
      return (compiled as NonNullable<typeof compiled>).run(args);
    };
    return compiled && { run };
  };
  setBackend(Object.create(plain, { compile: { value: compile } }) as Backend);
  manualSeed(0);
});

interface Weights {
  readonly w: Tensor;
}

const step = (x: Tensor, h: Tensor, { w }: Weights): readonly [Tensor, Tensor] => {
  const next = tap('h', tanh(h.matmul(w).add(x)));
  return [next.mul(x), next];
};

const resets = Array.from({ length: 7 }, (_, t) => [0, Number(t === 1), Number(t === 2)]);

describe.each(['required', 'never'] as const)('compile %s', (compile) => {
  test.each([
    { lengths: [2, 3, 1], longest: 3 },
    { lengths: [2, 3, 1], longest: 3, reverse: true },
    { lengths: [3, 3, 3], longest: 3 },
    { lengths: [3, 2, 3], longest: 3, resets },
    { lengths: [0, 1, 0], longest: 1 },
  ])('the loop ends with the longest row, and nothing behind it is read: %j', ({ longest, ...options }) => {
    const parameters = { w: randn([2, 2], { requiresGrad: true }) };
    const head = randn([longest, 3, 2], { requiresGrad: true });
    const state = randn([3, 2], { requiresGrad: true });
    const inputs = [head, state, parameters.w];
    const run = (xs: Tensor, more: object): { values: unknown; tails: Tensor[]; gradients: unknown } => {
      const [ys, last, { h }] = scan(step, xs, state, { parameters, compile, record: ['h'], ...options, ...more });
      ys.square().sum().add(last.square().sum()).add(h.sum()).backward();
      const gradients = inputs.map(({ grad }) => grad?.toArray());
      for (const input of inputs) input.grad = undefined;
      const all = [ys, h];
      const firsts = all.map((value) => value.slice(0, 0, longest).toArray());
      return { values: [firsts, last.toArray()], tails: all.map((value) => value.slice(0, longest)), gradients };
    };
    const short = run(head, { resets: options.resets?.slice(0, longest) });
    loops = [];
    const long = run(concat([head, full([7 - longest, 3, 2], NaN)]), {});
    expect(long.values).toEqual(short.values);
    expect(long.gradients).toEqual(short.gradients);
    for (const tail of long.tails) {
      expect(tail.shape).toEqual([7 - longest, 3, 2]);
      expect(new Set(tail.dataSync())).toEqual(new Set([0]));
    }
    expect(loops).toEqual(compile === 'never' ? [] : [longest, longest]);
  });
});

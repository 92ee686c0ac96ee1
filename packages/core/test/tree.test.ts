import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, expectTypeOf, test } from 'vitest';
import { compileFn, explain, ones, scan, setBackend, tap, tensor, zeros, type Tensor } from '../src/index.js';
import { TreeForm } from '../src/tree.js';

beforeAll(async () => {
  setBackend(await cpu());
});

const xs = (): Tensor => ones([3, 2, 4]);
const h0 = (): Tensor => zeros([2, 4]);

describe('scan', () => {
  test('takes a pair without a word about its type', () => {
    const [ys, [h, c]] = scan((x, [h, c]) => [h, [h.add(x), c.sub(x)]], xs(), [h0(), h0()]);
    expectTypeOf(ys).toEqualTypeOf<Tensor>();
    expectTypeOf(h).toEqualTypeOf<Tensor>();
    expect([ys.shape, h.toArray(), c.toArray()]).toEqual([
      [3, 2, 4],
      [Array(4).fill(3), Array(4).fill(3)],
      [Array(4).fill(-3), Array(4).fill(-3)],
    ]);
  });

  test('takes objects in objects, as inputs, states and outputs', () => {
    const state = { memory: [h0(), { count: h0() }], hidden: h0() } as const;
    const [{ sum, parts }, last] = scan(
      ({ a, b }, { hidden, memory: [m, { count }] }) => {
        const next = hidden.add(a).add(b);
        // the names in another order than before
        return [
          { sum: next, parts: [m, count] },
          { hidden: next, memory: [m.add(a), { count: count.add(1) }] },
        ];
      },
      { a: xs(), b: xs() },
      state,
      { lengths: [3, 1], compile: 'required' },
    );
    expectTypeOf(last.memory[1].count).toEqualTypeOf<Tensor>();
    expect(Object.keys(last)).toEqual(['memory', 'hidden']);
    expect(last.hidden.select(1, 0).toArray()).toEqual([6, 2]);
    expect(last.memory[0].select(1, 0).toArray()).toEqual([3, 1]);
    expect(last.memory[1].count.select(1, 0).toArray()).toEqual([3, 1]);
    expect(sum.select(0, 2).select(1, 0).toArray()).toEqual([6, 0]);
    expect(parts.map(({ shape }) => shape)).toEqual([
      [3, 2, 4],
      [3, 2, 4],
    ]);
  });

  test('tells trees apart where traces are remembered', () => {
    const step = (x: Tensor, state: object): readonly [Tensor, never] => [
      Array.isArray(state) ? x.add(state[0] as Tensor) : x.sub((state as { h: Tensor }).h),
      state as never,
    ];
    const run = (state: object): unknown => scan(step, ones([1, 1, 1]), state, { parameters: {} })[0].dataSync()[0];
    const one = ones([1, 1]);
    expect([run([one]), run({ h: one }), run([one]), run({ h: one })]).toEqual([2, 0, 2, 0]);
  });

  test('has the same gradients as by single operations', () => {
    const gradients = (['required', 'never'] as const).map((compile) => {
      const h = tensor([[0.5, -0.25]], { requiresGrad: true });
      const c = tensor([[0.1, 0.2]], { requiresGrad: true });
      const x = tensor([[[1, 2]], [[3, 4]]], { requiresGrad: true });
      const [{ y }, last] = scan(
        (one, { h, c }) => [{ y: h.mul(c) }, { h: h.add(one).tanh(), c: c.mul(h) }],
        x,
        { h, c },
        { compile },
      );
      y.sum().add(last.c.sum()).backward();
      return [h, c, x].map((leaf) => Array.from((leaf.grad as Tensor).dataSync()));
    });
    gradients[0].flat().forEach((value, i) => expect(value).toBeCloseTo(gradients[1].flat()[i], 6));
  });

  test('records know their names', () => {
    const step = (x: Tensor, h: Tensor): readonly [Tensor, Tensor] => [h, tap('sum', h.add(x))];
    const [, , { sum }] = scan(step, xs(), h0(), { record: ['sum'] });
    expectTypeOf(sum).toEqualTypeOf<Tensor>();
    expect(sum.shape).toEqual([3, 2, 4]);
    // @ts-expect-error -- no such name
    expect(scan(step, xs(), h0(), { record: ['sum'] })[2].total).toBeUndefined();
  });

  test.each([
    [
      'a state of another form',
      () => scan(((x: Tensor, [h]: [Tensor]) => [x, { h }]) as never, xs(), [h0()]),
      /the state of step has the form \{ h: \* \}, expected \[\*\]/,
    ],
    [
      'a state without a list',
      () => scan(((x: Tensor, [h]: [Tensor]) => [x, h]) as never, xs(), [h0()]),
      /has the form \*, expected \[\*\]/,
    ],
    [
      'numbers',
      () => scan((x, h) => [x, h], { a: 1 } as never, h0()),
      /xs is \{ a: 1 \}, expected a Tensor, or lists and plain objects/,
    ],
    ['a map', () => scan((x, h) => [x, h], xs(), new Map([['h', h0()]]) as never), /state is a Map/],
    ['itself', () => scan((x, h) => [x, h], xs(), circle as never), /state is .*expected a Tensor, or lists/],
  ])('refuses %s', (_, call, message) => {
    expect(call).toThrow(message);
  });
});

describe.each(['required', 'never'] as const)('lists are those of the step, compile: %s', (compile) => {
  const sums = [1, 2, 3].map((sum) => [[sum]]);
  const given = (): [Tensor, [Tensor]] => [ones([3, 1, 1]), [zeros([1, 1])]];

  test('it may change the one that it gets', () => {
    const [x, state] = given();
    const before = state[0];
    const step = (x: Tensor, state: readonly [Tensor]): [Tensor, readonly [Tensor]] => {
      const own = state as [Tensor];
      own[0] = own[0].add(x);
      return [own[0], own];
    };
    const [ys, [last]] = scan(step, x, state, { compile });
    expect([ys.toArray(), last.toArray()]).toEqual([sums, [[3]]]);
    expect(state[0]).toBe(before);
  });

  test('it may return the same one again', () => {
    const output = [ones([1, 1])];
    const step = (x: Tensor, [h]: readonly [Tensor]): [readonly Tensor[], readonly [Tensor]] => {
      output[0] = h.add(x);
      return [output, [output[0]]];
    };
    expect(scan(step, ...given(), { compile })[0][0].toArray()).toEqual(sums);
  });

  test('a function may change the one that it gets', () => {
    const add = compileFn(
      (list: readonly Tensor[]) => {
        const own = list as Tensor[];
        own[0] = own[0].add(own[1]);
        return own;
      },
      { compile },
    );
    expect(add([ones([1, 1]), ones([1, 1])]).map((y) => y.toArray())).toEqual([[[2]], [[1]]]);
  });
});

const circle: { self?: unknown } = {};
circle.self = circle;

test('explain takes trees', () => {
  expect(explain((x, { h }) => [h, { h: h.add(x) }], xs(), { h: h0() }).mode).toBe('compiled');
});

describe('compileFn', () => {
  test('infers a tensor, and takes objects', () => {
    const twice = compileFn((x) => x.mul(2), { compile: 'required' });
    expectTypeOf(twice).parameter(0).toEqualTypeOf<Tensor>();
    expect(twice(ones([2])).toArray()).toEqual([2, 2]);
    const parts = compileFn(({ a, b }: { a: Tensor; b: Tensor }) => ({ sum: a.add(b), list: [a.sub(b)] }), {
      compile: 'required',
    });
    const { sum, list } = parts({ a: ones([2]), b: ones([2]) });
    expect([sum.toArray(), list[0].toArray()]).toEqual([
      [2, 2],
      [0, 0],
    ]);
  });
});

test('forms are told apart by identity', () => {
  const t = ones([1]);
  expect(TreeForm.of([t, { a: t }])).toBe(TreeForm.of([ones([2]), { a: ones([2]) }]));
  expect(TreeForm.of([t, { a: t }])?.text).toBe('[*, { a: * }]');
  expect(TreeForm.of([[t]])).not.toBe(TreeForm.of([t]));
  expect(TreeForm.of({ '0': t })).not.toBe(TreeForm.of([t]));
  expect(TreeForm.of({})).toBeUndefined();
});

import { runInNewContext } from 'node:vm';
import { cpu } from '@rnn/backend-cpu';
import { beforeEach, expect, test } from 'vitest';
import {
  bernoulli,
  Generator,
  linear,
  manualSeed,
  noGrad,
  randn,
  scan,
  setBackend,
  tanh,
  tap,
  tensor,
  zeros,
  type Step,
  type Tensor,
} from '../src/index.js';

beforeEach(async () => {
  setBackend(await cpu());
  manualSeed(1);
});

type ParameterStep<P extends object> = Step<Tensor, Tensor, Tensor, P>;

/** Counts the calls of a step, and holds each scan against one by the same step without memory. */
function counted<P extends object>(
  step: ParameterStep<P>,
): { readonly calls: () => number; readonly check: (parameters: P, width?: number) => void } {
  let calls = 0;
  const counting: ParameterStep<P> = (x, h, parameters) => {
    calls++;
    return step(x, h, parameters);
  };
  return {
    calls: () => {
      const count = calls;
      calls = 0;
      return count;
    },
    check: (parameters, width = 3) => {
      const [x, h] = [randn([4, 2, width]), randn([2, width])];
      const [ys, last] = scan(counting, x, h, { parameters });
      const [expected, expectedLast] = scan((xt: Tensor, ht: Tensor) => step(xt, ht, parameters), x, h);
      expect(ys.toArray()).toEqual(expected.toArray());
      expect(last.toArray()).toEqual(expectedLast.toArray());
    },
  };
}

/** A cell as a class whose fields are what its step depends on. */
class Scaled {
  w = randn([3, 3]);
  scale = 2;
  readonly inner: { flags: boolean[]; bias: Tensor | undefined } = { flags: [true, false], bias: undefined };

  step(x: Tensor, h: Tensor): readonly [Tensor, Tensor] {
    let next = tanh(linear(h, this.w).add(x)).mul(this.scale);
    if (this.inner.flags[1]) next = next.neg();
    if (this.inner.bias !== undefined) next = next.add(this.inner.bias);
    return [next, next];
  }
}

const scaledStep: ParameterStep<Scaled> = (x, h, cell) => cell.step(x, h);

test('a step with parameters is traced once, whatever values the tensors have', () => {
  const { calls, check } = counted(scaledStep);
  const cell = new Scaled();
  check(cell);
  expect(calls()).toBeGreaterThan(0);
  check(cell);
  cell.w.copy_(randn([3, 3]));
  check(cell);
  cell.w = randn([3, 3]);
  check(cell);
  expect(calls()).toBe(0);
});

test.each<[string, (cell: Scaled) => unknown]>([
  ['a number', (cell) => (cell.scale = 3)],
  ['a flag in a list of an object', (cell) => (cell.inner.flags[1] = true)],
  ['a tensor where there was none', (cell) => (cell.inner.bias = randn([3]))],
  ['a method of its own', (cell) => (cell.step = (x, h) => [x, h.add(x)])],
  ['a field more', (cell) => Object.assign(cell, { more: 1 })],
])('what it depends on changes: %s', (_, change) => {
  const { calls, check } = counted(scaledStep);
  const cell = new Scaled();
  check(cell);
  calls();
  change(cell);
  check(cell);
  expect(calls()).toBeGreaterThan(0);
});

test('another object of the same class has a trace of its own, since a class may hide more than its fields', () => {
  class Hidden {
    readonly w = randn([3, 3]);
    readonly #sign: number;
    constructor(sign: number) {
      this.#sign = sign;
    }
    step(x: Tensor, h: Tensor): readonly [Tensor, Tensor] {
      const next = tanh(linear(h, this.w).add(x)).mul(this.#sign);
      return [next, next];
    }
  }
  const { calls, check } = counted<Hidden>((x, h, cell) => cell.step(x, h));
  const [plus, minus] = [new Hidden(1), new Hidden(-1)];
  for (const cell of [plus, minus, plus, minus]) check(cell);
  calls();
  for (const cell of [plus, minus]) check(cell);
  expect(calls()).toBe(0);
});

test('plain objects are compared by what is in them', () => {
  interface Weights {
    readonly w: Tensor;
    readonly b?: Tensor | undefined;
    readonly c?: Tensor | undefined;
    readonly nonlinear: boolean;
  }
  const { calls, check } = counted<Weights>((x, h, { w, b, c, nonlinear }) => {
    let next = linear(h, w, b).add(x);
    if (c !== undefined) next = next.mul(c);
    if (nonlinear) next = tanh(next);
    return [next, next];
  });
  const make = (): { w: Tensor; b: Tensor } => ({ w: randn([3, 3]), b: randn([3]) });
  check({ ...make(), nonlinear: true });
  calls();
  check({ ...make(), nonlinear: true });
  expect(calls()).toBe(0);
  check({ ...make(), nonlinear: false });
  expect(calls()).toBeGreaterThan(0);
  const { w, b } = make();
  check({ w, b, c: undefined, nonlinear: true });
  check({ w, b: undefined, c: b, nonlinear: true });
  check({ c: b, b: undefined, w, nonlinear: true });
});

test('one tensor in two places', () => {
  const { check } = counted<{ a: Tensor; b: Tensor }>((x, h, { a, b }) => {
    const next = tanh(linear(h, a).add(linear(x, b)));
    return [next, next];
  });
  const [v, w] = [randn([3, 3]), randn([3, 3])];
  for (const parameters of [
    { a: v, b: v },
    { a: v, b: w },
    { a: w, b: w },
  ])
    check(parameters);
});

test('a tensor by itself and one in a list are told apart', () => {
  const step = <Some extends Tensor | readonly Tensor[]>(_: Some, h: Some): readonly [Some, Some] => [h, h];
  const [x, h] = [zeros([3, 2, 4]), zeros([2, 4])];
  for (let i = 0; i < 2; i++) {
    expect(scan(step, x, h, { parameters: {} })[0]).not.toBeInstanceOf(Array);
    expect(scan(step, [x], [h], { parameters: {} })[0]).toBeInstanceOf(Array);
  }
});

test('one plain object in two places', () => {
  interface Part {
    readonly w: Tensor;
  }
  const { check } = counted<{ a: Part; b: Part }>((x, h, { a, b }) => {
    const next = tanh(linear(h, a.w).add(linear(x, b.w)));
    return [next, next];
  });
  const [v, w] = [{ w: randn([3, 3]) }, { w: randn([3, 3]) }];
  for (const parameters of [
    { a: v, b: v },
    { a: w, b: v },
    { a: w, b: w },
    { a: v, b: w },
  ])
    check(parameters);
});

test('a step that changes its own fields is traced each time', () => {
  class Toggling {
    on = true;
    step(x: Tensor, h: Tensor): readonly [Tensor, Tensor] {
      const next = this.on ? h.add(x) : h.sub(x);
      this.on = false;
      return [next, next];
    }
  }
  const step: ParameterStep<Toggling> = (x, h, cell) => cell.step(x, h);
  const cell = new Toggling();
  const [x, h] = [tensor([[[1]], [[2]]]), tensor([[0]])];
  scan(step, x, h, { parameters: cell });
  expect(scan(step, x, h, { parameters: cell })[1].toArray()).toEqual([[-3]]);
});

test.each<[string, object, (parameters: object) => unknown]>([
  ['a map', { table: new Map([['scale', 2]]) }, ({ table }: { table?: Map<string, number> }) => table?.set('scale', 3)],
  ['a typed array', { table: Float64Array.of(2) }, ({ table }: { table?: Float64Array }) => table?.fill(3)],
])('%s in the parameters is not looked into, so the step is traced each time', (_, parameters, change) => {
  const { check } = counted<{ table?: Map<string, number> | Float64Array }>((x, h, { table }) => {
    const next = h.add(x).mul(table instanceof Map ? (table.get('scale') as number) : (table?.[0] ?? 0));
    return [next, next];
  });
  check(parameters);
  change(parameters);
  check(parameters);
});

test('a step that uses a tensor from around it is traced each time', () => {
  let w = randn([3, 3]);
  const { check } = counted<object>((x, h) => {
    const next = tanh(linear(h, w).add(x));
    return [next, next];
  });
  check({});
  w = randn([3, 3]);
  check({});
});

test('gradients are wanted or not, recorded or not, and of the tensors that are there now', () => {
  const { calls, check } = counted(scaledStep);
  const cell = new Scaled();
  check(cell);
  cell.w.requiresGrad = true;
  calls();
  check(cell);
  expect(calls()).toBeGreaterThan(0);
  noGrad(() => check(cell));
  cell.w = randn([3, 3], { requiresGrad: true });
  scan(scaledStep, randn([4, 2, 3]), randn([2, 3]), { parameters: cell })[1]
    .sum()
    .backward();
  expect(cell.w.grad?.shape).toEqual([3, 3]);
});

test('masks are drawn anew, from the generator that the parameters hold', () => {
  interface Noise {
    readonly p: number;
    readonly generator: Generator;
  }
  let count = 0;
  const step: ParameterStep<Noise> = (x, h, { p, generator }) => {
    count++;
    return [bernoulli(x, p, { generator }), h];
  };
  const run = (parameters: Noise): unknown => scan(step, zeros([3, 2, 8]), zeros([2, 8]), { parameters })[0].toArray();
  const [a, b] = [new Generator(1), new Generator(2)];
  const first = run({ p: 0.5, generator: a });
  const before = count;
  expect(run({ p: 0.5, generator: a })).not.toEqual(first);
  expect(count).toBe(before);
  expect(run({ p: 0.5, generator: b })).not.toEqual(first);
  expect(run({ p: 0.5, generator: new Generator(1) })).toEqual(first);
  expect(run({ p: 1, generator: a })).toEqual(zeros([3, 2, 8]).add(1).toArray());
});

test('what is recorded is part of the signature', () => {
  const step: ParameterStep<object> = (x, h) => [tap('sum', h.add(x)), tap('input', x)];
  const [x, h] = [tensor([[[1]], [[2]]]), tensor([[3]])];
  const run = (record: readonly string[]): unknown =>
    Object.entries(scan(step, x, h, { parameters: {}, record })[2]).map(([name, t]) => [name, t.toArray()]);
  const [sum, input] = [
    ['sum', [[[4]], [[3]]]],
    ['input', [[[1]], [[2]]]],
  ];
  for (let i = 0; i < 2; i++) {
    expect(run([])).toEqual([]);
    expect(run(['sum', 'input'])).toEqual([sum, input]);
    expect(run(['input', 'sum'])).toEqual([input, sum]);
    expect(run(['input'])).toEqual([input]);
  }
});

/**
 * Parameters of a step, what changes one of them, and how the step reads it, unless by `scalesOf`.
 */
interface Changing {
  readonly parameters: { readonly w: Tensor };
  readonly change: () => void;
  readonly read?: (parameters: object) => number;
}

function scalesOf(parameters: object): number {
  const all = parameters as { scale?: number; list?: number[] } & Record<symbol, number>;
  const [symbol] = Object.getOwnPropertySymbols(parameters);
  return all.scale ?? all.list?.length ?? all[symbol];
}

test.each<[string, () => Changing]>([
  [
    'a symbol',
    () => {
      const scale = Symbol('scale');
      const parameters = { w: randn([3, 3]), [scale]: 2 };
      return { parameters, change: () => (parameters[scale] = 3) };
    },
  ],
  [
    'a field that is not enumerable',
    () => {
      const parameters = { w: randn([3, 3]) };
      Object.defineProperty(parameters, 'scale', { value: 2, writable: true });
      return { parameters, change: () => Object.assign(parameters, { scale: 3 }) };
    },
  ],
  [
    'a field of what it inherits from',
    () => {
      const base = { w: randn([3, 3]), scale: 2 };
      return { parameters: Object.create(base) as typeof base, change: () => (base.scale = 3) };
    },
  ],
  [
    'a field of the class',
    () => {
      class Cell {
        w = randn([3, 3]);
        declare scale: number;
      }
      Cell.prototype.scale = 2;
      return { parameters: new Cell(), change: () => (Cell.prototype.scale = 3) };
    },
  ],
  [
    'a field that the class has been given since',
    () => {
      class Cell {
        w = randn([3, 3]);
        declare scale: number | undefined;
      }
      const read = (p: object): number => (p as Cell).scale ?? 2;
      return { parameters: new Cell(), change: () => (Cell.prototype.scale = 3), read };
    },
  ],
  [
    'a field that the class of an object within, or what that inherits from, has been given since',
    () => {
      class Base {
        declare scale: number | undefined;
      }
      class Inner extends Base {}
      const parameters = { w: randn([3, 3]), inner: new Inner() };
      return { parameters, change: () => (Base.prototype.scale = 3), read: () => parameters.inner.scale ?? 2 };
    },
  ],
  [
    'what a proxy answers',
    () => {
      let scale = 2;
      const target = { w: randn([3, 3]) };
      const parameters = new Proxy(target, {
        get: (object, key) => (key === 'scale' ? scale : (Reflect.get(object, key) as unknown)),
      });
      return { parameters, change: () => (scale = 3) };
    },
  ],
  [
    'what a getter gives',
    () => {
      let scale = 2;
      const parameters = {
        w: randn([3, 3]),
        get scale() {
          return scale;
        },
      };
      return { parameters, change: () => (scale = 3) };
    },
  ],
  [
    'what an accessor of the class gives, from a private field',
    () => {
      class Cell {
        #scale = 2;
        w = randn([3, 3]);
        get scale(): number {
          return this.#scale;
        }
        set scale(scale: number) {
          this.#scale = scale;
        }
      }
      const parameters = new Cell();
      return { parameters, change: () => (parameters.scale = 3) };
    },
  ],
  [
    'what an accessor of a class behind the class gives',
    () => {
      let scale = 2;
      class Base {
        w = randn([3, 3]);
        get scale(): number {
          return scale;
        }
      }
      class Cell extends Base {}
      return { parameters: new Cell(), change: () => (scale = 3) };
    },
  ],
  [
    'an accessor that gives nothing at first, but an error',
    () => {
      let scale = NaN;
      class Cell {
        w = randn([3, 3]);
        factor = 2;
        get scale(): number {
          if (Number.isNaN(scale)) throw new Error('not yet');
          return scale;
        }
      }
      return {
        parameters: new Cell(),
        change: () => (scale = 3),
        read: (p: object) => (Number.isNaN(scale) ? 2 : (p as Cell).scale),
      };
    },
  ],
  [
    'the length of a list with holes',
    () => {
      const list: number[] = [];
      list.length = 2;
      return { parameters: { w: randn([3, 3]), list }, change: () => (list.length = 3) };
    },
  ],
  [
    'a symbol of the class, which has accessors for its objects alone',
    () => {
      const scale = Symbol('scale');
      class Cell {
        w = randn([3, 3]);
        declare [scale]: number;
        get inputs(): number {
          return this.w.shape[0];
        }
      }
      Cell.prototype[scale] = 2;
      return {
        parameters: new Cell(),
        change: () => (Cell.prototype[scale] = 3),
        read: (p: object) => (p as Cell)[scale],
      };
    },
  ],
  [
    'a map of another realm',
    () => {
      const map = runInNewContext(`new Map([['scale', 2]])`) as Map<string, number>;
      const parameters = { w: randn([3, 3]), map };
      return { parameters, change: () => map.set('scale', 3), read: () => map.get('scale') ?? NaN };
    },
  ],
  [
    'shared memory',
    () => {
      const memory = new SharedArrayBuffer(1);
      const numbers = new Uint8Array(memory).fill(2);
      const parameters = { w: randn([3, 3]), memory };
      return { parameters, change: () => numbers.fill(3), read: () => new Uint8Array(memory)[0] };
    },
  ],
  [
    'what a weak reference leads to',
    () => {
      const target = { scale: 2 };
      const parameters = { w: randn([3, 3]), target: new WeakRef(target) };
      return { parameters, change: () => (target.scale = 3), read: () => parameters.target.deref()?.scale ?? NaN };
    },
  ],
])('what it depends on changes: %s', (_, make) => {
  const { parameters, change, read = scalesOf } = make();
  const { check } = counted<{ readonly w: Tensor }>((x, h, parameters) => {
    const next = tanh(linear(h, parameters.w).add(x)).mul(read(parameters));
    return [next, next];
  });
  check(parameters);
  check(parameters);
  change();
  check(parameters);
});

test('an object within the parameters: its fields, a list in it, and a frozen list that computes what it gives', () => {
  class Inner {
    w = randn([3, 3]);
    readonly factors = [2, 3];
  }
  let size = 1;
  class Outer {
    inner = new Inner();
    readonly sizes = Object.freeze(Object.defineProperty([0], '0', { get: () => size }));
  }
  const { check } = counted<Outer>((x, h, { inner, sizes }) => {
    const y = tanh(linear(h, inner.w).add(x)).mul(inner.factors[0]).add(sizes[0]);
    return [y, y];
  });
  const outer = new Outer();
  const checkTwice = (): void => {
    for (let call = 0; call < 3; call++) check(outer);
  };
  noGrad(checkTwice);
  outer.inner.factors[0] = 5;
  noGrad(checkTwice);
  outer.inner.w = randn([3, 3]);
  noGrad(checkTwice);
  size = -1;
  noGrad(checkTwice);
  outer.inner = new Inner();
  noGrad(checkTwice);
});

const mark = Symbol('mark');

test.each<[string, (cell: object) => unknown]>([
  ['under a symbol', (cell) => Object.assign(cell, { [mark]: 3 })],
  ['that no loop meets', (cell) => Object.defineProperty(cell, 'hidden', { value: 3 })],
])('a cell that is bound gets a field %s', (_, change) => {
  class Flat {
    w = randn([3, 3]);
    declare [mark]?: number;
    declare hidden?: number;
  }
  const { check } = counted<Flat>((x, h, cell) => {
    const y = tanh(linear(h, cell.w).add(x)).mul(cell[mark] ?? cell.hidden ?? 1);
    return [y, y];
  });
  const cell = new Flat();
  const checkTwice = (): void => {
    for (let call = 0; call < 3; call++) check(cell);
  };
  noGrad(checkTwice);
  change(cell);
  noGrad(checkTwice);
});

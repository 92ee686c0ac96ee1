import { cpu } from '@rnn/backend-cpu';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  compileFn,
  concat,
  countAverages,
  fromData,
  grad,
  manualSeed,
  maximum,
  noGrad,
  randn,
  scan,
  scope,
  setBackend,
  tanh,
  tensor,
  zeros,
  type Backend,
  type Tensor,
} from '../src/index.js';

let backend: Backend;
beforeEach(async () => {
  backend = await cpu();
  setBackend(backend);
  manualSeed(7);
});

const f64 = { dtype: 'float64' } as const;
const leaf = (...shape: number[]): Tensor => randn(shape, { ...f64, requiresGrad: true });

function expectClose(actual: Tensor, expected: Tensor): void {
  expect(actual.shape).toEqual(expected.shape);
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  a.forEach((value, i) => expect(Math.abs(value - b[i])).toBeLessThanOrEqual(1e-10 * Math.max(1, Math.abs(b[i]))));
}

/** Values and gradients of both forms of a function, held against each other. */
function expectSame(
  compiled: () => readonly Tensor[],
  plain: () => readonly Tensor[],
  leaves: readonly Tensor[],
): void {
  const [actual, expected] = [compiled(), plain()];
  actual.forEach((y, i) => expectClose(y, expected[i]));
  const seeds = expected.map((y) => randn(y.shape, f64));
  const gradients = [actual, expected].map((ys) =>
    grad(
      ys.map((y, i) => y.mul(seeds[i]).sum()).reduce((a, b) => a.add(b)),
      leaves,
    ),
  );
  gradients[0].forEach((g, i) => expectClose(g, gradients[1][i]));
}

describe('compileFn computes what the function computes', () => {
  const functions: Readonly<Record<string, (x: Tensor) => Tensor>> = {
    softmax: (x) => x.softmax(-1),
    'an activation chain': (x) => x.mul(1.702).sigmoid().mul(x).softplus().add(x.abs()),
    'layer normalisation': (x) => {
      const centred = x.sub(x.mean(-1, true));
      return centred.div(centred.square().mean(-1, true).add(1e-5).sqrt());
    },
    'a sum over features': (x) => x.square().sum(-1),
    'pieces side by side': (x) => {
      const [a, b] = x.split([2, 3], -1);
      return concat([b.tanh(), a.exp(), b], -1);
    },
  };
  for (const [name, fn] of Object.entries(functions)) {
    for (const shape of [[4, 5], [2, 3, 5], [1, 5], [5]]) {
      test(`${name} of [${shape.join(', ')}]`, () => {
        const x = leaf(...shape);
        expectSame(
          () => [compileFn(fn)(x)],
          () => [shape.length === 1 ? fn(x.unsqueeze(0)).squeeze(0) : fn(x)],
          [x],
        );
      });
    }
  }

  test('with several inputs, outputs and parameters', () => {
    const fn = ([x, y]: readonly Tensor[], { w, b, v }: { w: Tensor; b: Tensor; v: Tensor }): readonly Tensor[] => {
      const gate = x.matmul(w, { transposeB: true }).add(b).sigmoid();
      return [gate.mul(y).sum(-1, true), maximum(gate, y).matmul(v), gate];
    };
    const [x, y, w, b, v] = [leaf(6, 3), leaf(6, 4), leaf(4, 3), leaf(4), leaf(4, 2)];
    const compiled = compileFn(fn);
    for (let i = 0; i < 2; i++) {
      expectSame(
        () => compiled([x, y], { w, b, v }),
        () => fn([x, y], { w, b, v }),
        [x, y, w, b, v],
      );
    }
  });

  test('with numbers that are operands at run time', () => {
    const step = compileFn(([p, g]: readonly Tensor[], { lr }: { lr: Tensor }) => p.sub(g.mul(lr)));
    const [p, g] = [leaf(7, 1), randn([7, 1], f64)];
    for (const rate of [0.5, 0.25]) {
      const lr = tensor([rate], f64);
      expectClose(
        noGrad(() => step([p, g], { lr })),
        p.sub(g.mul(rate)),
      );
    }
  });

  test('an input that is returned as it is, and one result twice', () => {
    const fn = (x: Tensor): readonly Tensor[] => {
      const y = x.exp();
      return [x, y, y];
    };
    const x = leaf(3, 2);
    expectSame(
      () => compileFn(fn)(x),
      () => fn(x),
      [x],
    );
  });

  test('where only a part wants a gradient', () => {
    const fn = compileFn(([x, y]: readonly Tensor[]) => x.mul(y));
    const [x, y] = [leaf(2, 3), randn([2, 3], f64)];
    const z = fn([x, y]);
    z.sum().backward();
    expectClose(x.grad as Tensor, y);
    expect(y.grad).toBeUndefined();
    expect(fn([y, y]).requiresGrad).toBe(false);
    expect(noGrad(() => fn([x, y])).requiresGrad).toBe(false);
  });
});

describe('compileFn element by element', () => {
  const fn = ([x, y]: readonly Tensor[], { lr }: { lr: Tensor }): readonly Tensor[] => {
    const next = x.sub(y.mul(lr));
    return [next, next.tanh()];
  };
  const compiled = compileFn(fn, { elementwise: true });

  for (const shape of [[], [5], [2, 3], [4, 1], [2, 1, 3], [0], [2, 0]]) {
    test(`on shape [${shape.join(', ')}]`, () => {
      const [x, y, lr] = [leaf(...shape), leaf(...shape), leaf()];
      expectSame(
        () => compiled([x, y], { lr }),
        () => fn([x, y], { lr }),
        [x, y, lr],
      );
      expect(compileFn((z: Tensor) => z.square(), { elementwise: true })(x).shape).toEqual(shape);
    });
  }

  test('traces once for all shapes with a number of elements, which it may look at', () => {
    let calls = 0;
    const counting = compileFn(
      (x: Tensor) => {
        calls++;
        return x.square();
      },
      { elementwise: true },
    );
    const shapes = [[2, 3], [], [7], [3, 2, 2]];
    for (const shape of shapes) expect(counting(randn(shape)).shape).toEqual(shape);
    const once = calls;
    for (const shape of [...shapes, [6], [1, 7]]) expect(counting(randn(shape)).shape).toEqual(shape);
    expect(calls).toBe(once);
  });

  test('traces once for all shapes where the function promises not to look at them', () => {
    let calls = 0;
    const counting = compileFn(
      (x: Tensor) => {
        calls++;
        return x.pow(3);
      },
      { elementwise: true, anyRows: true },
    );
    counting(randn([2, 3]));
    const once = calls;
    for (const shape of [[], [7], [3, 2, 2]]) expect(counting(randn(shape)).shape).toEqual(shape);
    expect(calls).toBe(once);
    const x = tensor([1, 2], { requiresGrad: true });
    const [first] = grad(counting(x).sum(), [x], { createGraph: true });
    expect(grad(first.sum(), [x])[0].toArray()).toEqual([6, 12]);
  });

  test('of a call that comes again, other shapes give their own results, and two shapes are refused', () => {
    const product = compileFn(([x, y]: readonly Tensor[], { by }: { by: Tensor }) => x.mul(y).add(by), {
      elementwise: true,
      anyRows: true,
    });
    const by = tensor([1], f64);
    for (let round = 0; round < 2; round++)
      for (const shape of [[2, 3], [], [7], [3, 2, 2], [0, 4], ...Array.from({ length: 20 }, (_, i) => [i + 1])]) {
        const [x, y] = [randn(shape, f64), randn(shape, f64)];
        expectClose(product([x, y], { by }), x.mul(y).add(1));
      }
    expect(() => product([zeros([4], f64), zeros([1], f64)], { by })).toThrow('x has shapes [4], [1]');
    expect(() => product([zeros([4], f64), zeros([4])], { by })).toThrow('float32');
  });

  describe('whose mean is the result', () => {
    const error = (pair: readonly Tensor[]): Tensor => pair[0].sub(pair[1]).square();
    const plain = (pair: readonly Tensor[]): Tensor => error(pair).mean();

    for (const compile of ['required', 'never'] as const)
      for (const elementwise of [true, false])
        for (const shape of [[2, 3], [1, 1], [7], [3, 2, 4]])
          test(`[${shape.join(', ')}] (compile: ${compile}, elementwise: ${elementwise})`, () => {
            const loss = compileFn(error, { elementwise, mean: true, compile });
            for (let round = 0; round < 2; round++) {
              const pair = [leaf(...shape), leaf(...shape)];
              expectClose(
                noGrad(() => loss(pair)),
                noGrad(() => plain(pair)),
              );
              const weight = tensor(3, f64);
              const [ours, theirs] = [loss, plain].map((fn) => {
                const first = grad(fn(pair).mul(weight), pair, { createGraph: true });
                const second = grad(first[0].mul(first[1]).sum(), pair);
                return [fn(pair), ...grad(fn(pair).mul(weight), pair), ...first, ...second];
              });
              ours.forEach((value, i) => expectClose(value, theirs[i]));
            }
          });

    test('is one operation, an average over the elements, and leaves nothing behind', () => {
      const loss = compileFn(error, { elementwise: true, anyRows: true, mean: true });
      const pair = [leaf(2, 3), leaf(2, 3)];
      expect(loss(pair).edge?.node.inputs.every((edge) => edge?.node.leaf !== undefined)).toBe(true);
      expect(countAverages((countOf) => countOf(loss(pair)))).toBe(6);
      expect(noGrad(() => countAverages((countOf) => countOf(loss(pair))))).toBe(6);
      const step = (): void => {
        scope(() => loss(pair).backward());
        noGrad(() => scope(() => void loss(pair)));
        for (const x of pair) {
          x.grad?.dispose();
          x.grad = undefined;
        }
      };
      step();
      const before = backend.memory();
      step();
      expect(backend.memory()).toEqual(before);
    });
  });

  test('refuses two shapes, and a function that is not elementwise', () => {
    const [x, y] = [zeros([2, 3], f64), zeros([3], f64)];
    expect(() => compiled([x, y], { lr: tensor(1, f64) })).toThrow('x has shapes [2, 3], [3], expected one shape');
    const widens = compileFn((z: Tensor) => concat([z, z], 1), { elementwise: true, compile: 'auto' });
    expect(() => widens(x)).toThrow('[2, 3]');
  });
});

describe('compileFn and the graph', () => {
  test('is one operation', () => {
    const y = compileFn(function norm(x: Tensor) {
      return x.tanh().square().exp();
    })(leaf(2, 3));
    expect(y.edge?.node.name).toBe('norm');
    expect(y.edge?.node.inputs.map((edge) => edge?.node.name)).toEqual(['accumulateGrad']);
  });

  test('can be differentiated again', () => {
    const fn = (x: Tensor, { w }: { w: Tensor }): Tensor => x.matmul(w).tanh().square();
    const [x, w] = [leaf(4, 3), leaf(3, 2)];
    const second = (f: (x: Tensor, p: { w: Tensor }) => Tensor): readonly Tensor[] => {
      const [gx, gw] = grad(f(x, { w }).sum(), [x, w], { createGraph: true });
      return grad(gx.square().sum().add(gw.square().sum()), [x, w]);
    };
    const [actual, expected] = [second(compileFn(fn)), second(fn)];
    actual.forEach((g, i) => expectClose(g, expected[i]));
  });

  test('leaves nothing behind', () => {
    const w = leaf(3);
    const fn = compileFn((x: Tensor, p: { w: Tensor }) => x.mul(p.w).tanh().softmax(-1));
    const x = randn([5, 3], f64);
    const step = (): void =>
      scope(() => {
        fn(x, { w }).square().sum().backward();
        noGrad(() => fn(x, { w }));
        w.grad?.dispose();
        w.grad = undefined;
      });
    step();
    const before = backend.memory();
    for (let i = 0; i < 100; i++) step();
    expect(backend.memory()).toEqual(before);
    fn(x, { w }).dispose(); // a graph that nobody goes through
    expect(backend.memory()).toEqual(before);
  });
});

describe('compileFn traces', () => {
  test('once for each signature', () => {
    let calls = 0;
    const fn = compileFn((x: Tensor, { k }: { k: number }) => {
      calls++;
      return x.mul(k);
    });
    for (const rows of [1, 2, 7]) fn(randn([rows, 3]), { k: 2 });
    const once = calls;
    expect(fn(tensor([[1, 2, 3]]), { k: 2 }).toArray()).toEqual([[2, 4, 6]]);
    expect(calls).toBe(once);
    expect(fn(tensor([[1, 2, 3]]), { k: 3 }).toArray()).toEqual([[3, 6, 9]]);
    expect(fn(tensor([[1, 2]]), { k: 2 }).toArray()).toEqual([[2, 4]]);
    expect(calls).toBeGreaterThan(once);
  });

  test('at each call where the function uses tensors from around it', () => {
    let factor = tensor([2]);
    const fn = compileFn((x: Tensor) => x.mul(factor));
    expect(fn(tensor([[3]])).item()).toBe(6);
    factor = tensor([5]);
    expect(fn(tensor([[3]])).item()).toBe(15);
  });

  test('at each call where the function changes its parameters', () => {
    const counter = { k: 1 };
    const fn = compileFn((x: Tensor, p: { k: number }) => x.mul(p.k++));
    const [first, second] = [fn(tensor([[1]]), counter).item(), fn(tensor([[1]]), counter).item()];
    expect(second).toBeGreaterThan(first);
  });

  test('nothing that a program cannot do, and runs it by single operations', () => {
    const picks = compileFn((x: Tensor) => x.mul(x.argmax(-1, true).to('float64')), { compile: 'auto' });
    const x = fromData(Float64Array.of(1, 2, 3, 6, 5, 4), [2, 3], f64);
    expect(picks(x).toArray()).toEqual([
      [2, 4, 6],
      [0, 0, 0],
    ]);
    const mixes = compileFn((y: Tensor) => y.sub(y.mean(0, true)), { compile: 'auto' });
    expectClose(mixes(x), x.sub(x.mean(0, true)));
  });

  test('as a part of a step of a scan', () => {
    const squash = compileFn((x: Tensor) => tanh(x).mul(2));
    const run = (f: (x: Tensor) => Tensor): readonly Tensor[] => {
      const [ys, last] = scan(
        (x: Tensor, h: Tensor) => {
          const next = f(x.add(h));
          return [next, next];
        },
        x,
        zeros([2, 3], f64),
      );
      return [ys, last];
    };
    const x = leaf(4, 2, 3);
    expectSame(
      () => run(squash),
      () => run((t) => tanh(t).mul(2)),
      [x],
    );
  });
});

describe('compileFn refuses', () => {
  const fn = compileFn(function twice([x, y]: readonly Tensor[]) {
    return x.add(y);
  });
  test('rows that do not fit together', () => {
    expect(() => fn([zeros([2, 3]), zeros([3, 3])])).toThrow(
      'twice: x has shapes [2, 3], [3, 3], expected [..., features] with the same dimensions in front',
    );
    expect(() => fn([zeros([2, 3]), zeros([3])])).toThrow('the same dimensions in front');
    expect(() => compileFn((x: Tensor) => x)(tensor(1))).toThrow('x has shape [], expected [..., features]');
  });
  test('what is no tensor, and two types', () => {
    expect(() => fn([] as Tensor[])).toThrow('twice: inputs is an empty array');
    expect(() => fn([zeros([2, 3]), zeros([2, 3], f64)])).toThrow(
      "twice: operand 2 is float64, expected float32 as the first; convert with .to('float32')",
    );
  });
});

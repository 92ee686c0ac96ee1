import { cpu } from '@rnn/backend-cpu';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  concat,
  explain,
  Generator,
  fromData,
  linear,
  lower,
  maskProgram,
  maximum,
  ones,
  setBackend,
  sigmoid,
  sum,
  tanh,
  where,
  zeros,
  type CarryKind,
  type Shape,
  type Tensor,
} from '../src/index.js';
import { carryKinds } from '../src/compiler/explain.js';

beforeAll(async () => {
  setBackend(await cpu());
  W = draw([width, width]);
});

const width = 3;
const generator = new Generator(5);
/**
 * Float64 values between 0.5 and 2, so that no function is at a special point and no quotient is
 * large.
 */
function draw(shape: Shape): Tensor {
  const values = new Float64Array(shape.reduce((size, s) => size * s, 1));
  generator.uniform(values, 0.5, 2);
  return fromData(values, shape);
}
let W: Tensor;

type Update = (x: Tensor, h: Tensor, c: Tensor) => readonly [Tensor, Tensor];

const cases: Record<string, { update: Update; kinds: readonly [CarryKind, CarryKind] }> = {
  'a gate that sees the input alone': {
    update: (x, h, c) => [sigmoid(x).mul(h).add(tanh(x)), c.neg().sub(x).div(x)],
    kinds: ['elementwise', 'elementwise'],
  },
  'a state that is replaced or stays': { update: (x, _, c) => [x, c], kinds: ['elementwise', 'elementwise'] },
  'a fixed matrix': { update: (x, h, c) => [linear(h, W).add(x), c], kinds: ['linear', 'elementwise'] },
  'states that are exchanged': { update: (_, h, c) => [c, h], kinds: ['linear', 'linear'] },
  'a sum over features': {
    update: (x, h, c) => [h.sub(sum(h, 1, { keepDim: true })).mul(x), c],
    kinds: ['linear', 'elementwise'],
  },
  'features that are moved': {
    update: (x, h, c) => [concat([h.narrow(1, 1, 2), h.narrow(1, 0, 1)], 1).mul(x), c],
    kinds: ['linear', 'elementwise'],
  },
  'a choice by the input': { update: (x, h, c) => [where(x.gt(1), h, x), c], kinds: ['elementwise', 'elementwise'] },
  'a choice by the state': { update: (x, h, c) => [where(h.gt(x), h, x), c], kinds: ['nonlinear', 'elementwise'] },
  'a gate that sees another state': {
    update: (x, h, c) => [tanh(linear(h, W).add(x)), sigmoid(h.add(x)).mul(c)],
    kinds: ['nonlinear', 'nonlinear'],
  },
  'a product of states': { update: (_, h, c) => [h.mul(c), c], kinds: ['nonlinear', 'elementwise'] },
  'a quotient by the state': { update: (x, h, c) => [x.div(h), c.div(x)], kinds: ['nonlinear', 'elementwise'] },
  'a maximum': { update: (x, h, c) => [maximum(h, x), c], kinds: ['nonlinear', 'elementwise'] },
};

const explained = (update: Update) =>
  explain((x: Tensor, [h, c]: readonly [Tensor, Tensor]) => [h, update(x, h, c)], draw([4, 2, width]), [
    draw([2, width]),
    draw([2, width]),
  ] as const);

describe.each(Object.entries(cases))('%s', (_, { update, kinds }) => {
  test('is recognised, and told in words', () => {
    const { mode, carry, text } = explained(update);
    expect(mode).toBe('compiled');
    expect(carry).toEqual(kinds);
    expect(text.split('\n')[0]).toBe(`carry: ${kinds.join(', ')}`);
  });

  test('is what the step does', () => {
    const x = draw([1, width]);
    const at = (state: readonly Float64Array[]): readonly (readonly number[])[] =>
      update(x, fromData(state[0], [1, width]), fromData(state[1], [1, width])).map((t) => [...t.dataSync()]);
    const values = (): Float64Array[] => [draw([width]), draw([width])].map((t) => Float64Array.from(t.dataSync()));
    const [p, q] = [values(), values()];
    const middle = p.map((list, i) => list.map((value, j) => (value + q[i][j]) / 2));
    const [atP, atQ, atMiddle] = [at(p), at(q), at(middle)];
    kinds.forEach((kind, i) => {
      // An affine map takes the middle of two points to the middle of their images.
      const bend = Math.max(...atMiddle[i].map((value, j) => Math.abs(value - (atP[i][j] + atQ[i][j]) / 2)));
      if (kind === 'nonlinear') expect(bend).toBeGreaterThan(1e-6);
      else expect(bend).toBeLessThan(1e-12);
      // How far a feature moves with features other than its own.
      let others = 0;
      for (let state = 0; state < 2; state++)
        for (let feature = 0; feature < width; feature++) {
          const moved = p.map((list) => list.slice());
          moved[state][feature] += 0.25;
          at(moved)[i].forEach((value, j) => {
            if (state !== i || feature !== j) others = Math.max(others, Math.abs(value - atP[i][j]));
          });
        }
      if (kind === 'elementwise') expect(others).toBe(0);
      if (kind === 'linear') expect(others).toBeGreaterThan(1e-3);
    });
  });

  test('stays what it is with lengths and resets', () => {
    const { forward } = lower(
      (x: Tensor, [h, c]: readonly [Tensor, Tensor]) => [h, update(x, h, c)],
      draw([4, 2, width]),
      [draw([2, width]), draw([2, width])] as const,
    );
    const loop = forward.stages.find(({ when }) => when === 'loop');
    if (loop === undefined) throw new Error('expected a loop');
    expect(carryKinds(maskProgram(loop.program, { lengths: true, resets: true, adjoint: false }))).toEqual(kinds);
  });
});

test('a quotient of whole numbers is rounded, so it is nonlinear', () => {
  const program = {
    dtype: 'int32',
    xs: [1],
    carry: [1],
    perRow: [],
    consts: [],
    body: [{ kind: 'binary', op: 'div', width: 1, a: { value: 1 }, b: { value: 0 } }],
    carryOut: [2],
    ys: [],
    reverse: false,
  } as const;
  expect(carryKinds(program)).toEqual(['nonlinear']);
  expect(carryKinds({ ...program, dtype: 'float32' })).toEqual(['elementwise']);
});

test('a step in the eager mode has no kinds', () => {
  const { mode, carry } = explain((x: Tensor, h: Tensor) => [h, h.add(x.sum().item())], ones([3, 2, 1]), zeros([2, 1]));
  expect(mode).toBe('eager');
  expect(carry).toEqual([]);
});

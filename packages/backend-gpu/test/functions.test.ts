/** The snippets that kernels are made of, run as the JavaScript that they are. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { binaryCode, toInt32Code, unaryCode } from '../src/kernels/functions.js';

function compiled(names: readonly string[], code: string): (...args: number[]) => number {
  // oxlint-disable-next-line typescript/no-implied-eval -- kernels are texts; gpu.js makes a function of them in the same way
  const make = new Function('nan', 'inf', 'one', `return function(${names.join(', ')}) { ${code} return y; }`) as (
    nan: number,
    inf: number,
    one: number,
  ) => (...args: number[]) => number;
  return make(NaN, Infinity, 1);
}

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const anything = fc.oneof(
  fc.double({ min: -100, max: 100, noNaN: true }),
  fc.constantFrom(NaN, Infinity, -Infinity, 0, -0, 1e30, -1e30, 1e-30),
);

test.each([
  ['tanh', Math.tanh, 1e-7],
  ['sigmoid', (x: number) => 1 / (1 + Math.exp(-x)), 1e-15],
  ['softplus', softplus, 1e-7],
  ['relu', (x: number) => (x < 0 ? 0 : x), 0],
  ['log', Math.log, 0],
  ['sqrt', Math.sqrt, 0],
  ['sign', (x: number) => Math.sign(x) || 0, 0],
  ['exp', Math.exp, 1e-8],
] as const)('%s is right everywhere', (op, exact, tolerance) => {
  const ours = compiled(['x'], unaryCode(op, 'x', 'y'));
  fc.assert(
    fc.property(anything, (x) => {
      const [got, expected] = [ours(x), exact(x)];
      if (Number.isFinite(expected))
        expect(Math.abs(got - expected)).toBeLessThanOrEqual(tolerance * Math.max(1, expected));
      else expect(got).toBe(expected);
    }),
  );
});

test('near zero tanh and softplus keep their relative accuracy', () => {
  const tanh = compiled(['x'], unaryCode('tanh', 'x', 'y'));
  const plus = compiled(['x'], unaryCode('softplus', 'x', 'y'));
  for (const x of [1e-30, 1e-6, 1e-3, 0.1, 0.29]) expect(tanh(x) / Math.tanh(x)).toBeCloseTo(1, 6);
  for (const x of [-40, -10, -4]) expect(plus(x) / softplus(x)).toBeCloseTo(1, 6);
});

test('powers are those of IEEE 754', () => {
  const power = compiled(['a', 'b'], binaryCode('pow', 'a', 'b', 'y'));
  const exact = (a: number, b: number): number => (a === 1 || (a === -1 && Math.abs(b) === Infinity) ? 1 : a ** b);
  const values = [NaN, Infinity, -Infinity, 0, -0, 1, -1, 2, -2, 0.5, -0.5, 3, -3, 1e20, -1e20, 1e-20];
  for (const a of values) {
    for (const b of values) {
      const [got, expected] = [power(a, b), exact(a, b)];
      if (Number.isFinite(expected)) expect(got, `${a} ** ${b}`).toBeCloseTo(expected, 10);
      else expect(got, `${a} ** ${b}`).toBe(expected);
    }
  }
});

test('a NaN wins where a compiler makes a maximum of a comparison that chooses between its operands', () => {
  // What cards have as one instruction gives the number where the other operand is a NaN.
  const fmax = (a: number, b: number): number => (Number.isNaN(a) ? b : Number.isNaN(b) ? a : Math.max(a, b));
  const fmin = (a: number, b: number): number => -fmax(-a, -b);
  for (const [op, instruction] of [
    ['maximum', fmax],
    ['minimum', fmin],
  ] as const) {
    const code = binaryCode(op, 'a', 'b', 'y');
    const optimised = code.replace(/y = a; if \(b [<>] a\) { y = b; }/, 'y = choose(a, b);');
    expect(optimised).not.toBe(code);
    const run = compiled(['choose', 'a', 'b'], optimised) as unknown as (
      choose: typeof fmax,
      a: number,
      b: number,
    ) => number;
    for (const a of [NaN, 1, -Infinity]) {
      for (const b of [NaN, 2, Infinity]) {
        expect(run(instruction, a, b), `${op}(${a}, ${b})`).toBe(op === 'maximum' ? Math.max(a, b) : Math.min(a, b));
      }
    }
  }
});

test('a NaN wins in maximum and minimum, and no fraction is left after truncation', () => {
  const max = compiled(['a', 'b'], binaryCode('maximum', 'a', 'b', 'y'));
  const min = compiled(['a', 'b'], binaryCode('minimum', 'a', 'b', 'y'));
  for (const [a, b] of [
    [NaN, 1],
    [1, NaN],
    [2, 1],
    [1, 2],
    [-Infinity, 0],
  ]) {
    expect(max(a, b)).toBe(Math.max(a, b));
    expect(min(a, b)).toBe(Math.min(a, b));
  }
  const whole = compiled(['x'], toInt32Code('x', 'y'));
  expect([1.9, -1.9, NaN, 0.5].map((x) => whole(x) + 0)).toEqual([1, -1, 0, 0]);
});

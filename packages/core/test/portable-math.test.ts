import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cosTurns, ln, sinTurns } from '../src/portable-math.js';

describe('ln', () => {
  const agrees = (x: number): void => {
    expect(Math.abs(ln(x) - Math.log(x))).toBeLessThanOrEqual(1e-15 * Math.abs(Math.log(x)));
  };

  test('agrees with Math.log over all positive numbers', () => {
    fc.assert(fc.property(fc.double({ min: 5e-324, max: Number.MAX_VALUE, noNaN: true }), agrees), { numRuns: 5000 });
  });

  test('agrees with Math.log near 1, relative to the small result', () => {
    fc.assert(fc.property(fc.double({ min: 0.99, max: 1.01, noNaN: true }), agrees), { numRuns: 5000 });
    expect(ln(1 + 2 ** -52)).toBe(2 ** -52);
    expect(ln(1 - 2 ** -53)).toBe(-(2 ** -53));
  });

  test('turns products into sums', () => {
    const factor = fc.double({ min: 1e-100, max: 1e100, noNaN: true });
    fc.assert(
      fc.property(factor, factor, (a, b) => {
        expect(Math.abs(ln(a * b) - (ln(a) + ln(b)))).toBeLessThan(2e-13);
      }),
    );
  });

  test('is exact at 1 and multiplies ln 2 at powers of two', () => {
    expect(ln(1)).toBe(0);
    for (const k of [-1074, -1023, -1022, -53, -1, 1, 10, 1023]) expect(ln(2 ** k)).toBe(k * Math.LN2);
  });

  test('has the limits of the logarithm', () => {
    expect(ln(0)).toBe(-Infinity);
    expect(ln(-0)).toBe(-Infinity);
    expect(ln(Infinity)).toBe(Infinity);
    expect(ln(-1)).toBeNaN();
    expect(ln(-Infinity)).toBeNaN();
    expect(ln(NaN)).toBeNaN();
  });
});

describe('cosTurns and sinTurns', () => {
  const turns = fc.double({ min: 0, max: 1, noNaN: true });

  test('agree with Math.cos and Math.sin', () => {
    // The angle 2πt that Math.cos and Math.sin get is itself off by up to 4e-16.
    fc.assert(
      fc.property(turns, (t) => {
        expect(Math.abs(cosTurns(t) - Math.cos(2 * Math.PI * t))).toBeLessThan(1e-15);
        expect(Math.abs(sinTurns(t) - Math.sin(2 * Math.PI * t))).toBeLessThan(1e-15);
      }),
      { numRuns: 5000 },
    );
  });

  test('lie on the unit circle', () => {
    fc.assert(
      fc.property(turns, (t) => {
        expect(Math.abs(cosTurns(t) ** 2 + sinTurns(t) ** 2 - 1)).toBeLessThan(1e-15);
      }),
    );
  });

  test('are exact at quarters', () => {
    expect([0, 0.25, 0.5, 0.75, 1].map((t) => cosTurns(t) + 0)).toEqual([1, 0, -1, 0, 1]);
    expect([0, 0.25, 0.5, 0.75, 1].map((t) => sinTurns(t) + 0)).toEqual([0, 1, 0, -1, 0]);
  });

  test('keep their digits next to a zero', () => {
    expect(sinTurns(2 ** -53)).toBe(2 * Math.PI * 2 ** -53);
    expect(cosTurns(0.25 - 2 ** -53)).toBe(2 * Math.PI * 2 ** -53);
    expect(sinTurns(0.5 + 2 ** -53)).toBe(-2 * Math.PI * 2 ** -53);
  });
});

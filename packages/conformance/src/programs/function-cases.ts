/**
 * Each elementwise function as a program of one instruction, and as the primitive: one value,
 * whoever computes it.
 */
import { executeProgram, type BinaryOp, type Instruction, type Program, type UnaryOp } from '@rnn/core';
import { defineCase, type ConformanceCase } from '../case.js';
import { binaryFunctions, unaryFunctions } from '../plain/elementwise.js';
import { atWorkbench } from '../kernels/workbench.js';

const magnitudes = [
  0,
  1,
  0.5,
  2,
  3,
  Infinity,
  1e-45,
  1e-39,
  2 ** -126,
  1e-4,
  0.3,
  20,
  88.5,
  89,
  104,
  1e10,
  3.4028234663852886e38,
];
const values = magnitudes.flatMap((x) => [x, -x]);
/**
 * Every special value, NaN included, and as many again that are not: 36 of them fill whole vectors,
 * 35 do not.
 */
const special = [NaN, ...values].map(Math.fround);

/**
 * What an exact comparison of a device that states a bound is loosened to, relative to the larger
 * of 1 and the value.
 */
const areClose = (a: number, b: number, bound: number): boolean =>
  a === b || Math.abs(a - b) <= bound * Math.max(1, Math.abs(b));

/** Compiled functions against single ones. */
export function functionCases(): ConformanceCase[] {
  const count = special.length;
  return [
    ...(Object.keys(unaryFunctions) as UnaryOp[]).map((op) =>
      agreementCase(op, [count], [special], [{ kind: 'unary', op, x: 0, width: count }]),
    ),
    ...(Object.keys(binaryFunctions) as BinaryOp[]).map((op) => {
      // Every value with every other; then with numbers that stand in the program, on either side.
      const a = special.flatMap((x) => special.map(() => x));
      const b = special.flatMap(() => special);
      const width = a.length;
      return agreementCase(
        op,
        [width, width],
        [a, b],
        [
          { kind: 'binary', op, a: { value: 0 }, b: { value: 1 }, width },
          ...[0, 1, -1, 2, 0.5, 3].flatMap((number): Instruction[] => [
            { kind: 'binary', op, a: { value: 0 }, b: number, width },
            { kind: 'binary', op, a: number, b: { value: 1 }, width },
          ]),
        ],
      );
    }),
  ];
}

function agreementCase(
  name: string,
  xs: readonly number[],
  operands: readonly (readonly number[])[],
  instructions: readonly Instruction[],
): ConformanceCase {
  return defineCase('programs', `${name} alone, compiled as by primitives`, (checks, { backend }) =>
    atWorkbench(backend, async (bench) => {
      const bound = backend.info.bound?.tolerance;
      for (const instruction of instructions) {
        const program: Program = {
          dtype: 'float32',
          xs,
          carry: [],
          perRow: [],
          consts: [],
          body: [instruction],
          carryOut: [],
          ys: [xs.length],
          reverse: false,
        };
        const compiled = backend.compile?.(program);
        if (compiled === undefined) continue; // what is not compiled is run by primitives, and cannot differ
        const args = {
          steps: 1,
          rows: 1,
          xs: operands.map((numbers) => bench.upload('float32', numbers)),
          carry: [],
          perRow: [],
          consts: [],
        };
        const [single] = executeProgram(backend, program, args).ys.map((storage) => bench.own(storage));
        const [whole] = compiled.run(args).ys.map((storage) => bench.own(storage));
        const [expected, got] = [await bench.read(single), await bench.read(whole)];
        for (let i = 0; i < expected.length; i++) {
          const agree = bound === undefined ? Object.is(got[i], expected[i]) : areClose(got[i], expected[i], bound);
          const given = operands.map((numbers) => numbers[i]).join(' and ');
          checks.fact(
            `${JSON.stringify(instruction)} of ${given} is ${shown(got[i])} compiled and ${shown(expected[i])} by itself`,
            agree || (Number.isNaN(got[i]) && Number.isNaN(expected[i])),
          );
        }
        bench.releaseAll();
      }
    }),
  );
}

/** With the sign of a zero. */
function shown(x: number): string {
  return Object.is(x, -0) ? '-0' : String(x);
}

/** Programs by the backend's primitives and by its `compile`, both against float64. */
import { widthsOf } from '@rnn/core';
import type { ConformanceCase } from '../case.js';
import type { Checks } from '../checks.js';
import { defineProperty } from '../property.js';
import { programExamples, type ProgramExample } from './program-example.js';

/** Up to 14 instructions after one another, 5 times over. */
const TOLERANCE = 1e-5;

/** Random programs. */
export function programCases(): ConformanceCase[] {
  return [
    defineProperty('programs', 'random programs by primitives', programExamples, async (example, checks, { backend }) =>
      compare(example, checks, await example.runByPrimitives(backend)),
    ),
    // A backend that compiles nothing, or not all, has nothing to show here for the rest.
    defineProperty('programs', 'random programs compiled', programExamples, async (example, checks, { backend }) => {
      const results = await example.runCompiled(backend);
      if (results !== undefined) compare(example, checks, results);
    }),
  ];
}

function compare({ program, steps, rows, exact }: ProgramExample, checks: Checks, got: ArrayLike<number>[]): void {
  const widths = widthsOf(program);
  program.ys.forEach((value, i) =>
    checks.close(`output %${value}`, got[i], exact.outputs[i], [steps, rows, widths[value]], { tolerance: TOLERANCE }),
  );
  program.carryOut.forEach((value, i) =>
    checks.close(`last %${value}`, got[program.ys.length + i], exact.last[i], [rows, program.carry[i]], {
      tolerance: TOLERANCE,
    }),
  );
}

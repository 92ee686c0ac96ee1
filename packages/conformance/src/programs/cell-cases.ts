/** Compiled cells against the same by single operations, and what padding must not do. */
import type { ConformanceCase, Subject } from '../case.js';
import type { Checks } from '../checks.js';
import { defineProperty } from '../property.js';
import { cellExamples, runCell, type CellExample, type Course, type Outcome } from './cell-example.js';
import { cellKinds, type CellKind } from './cell-kinds.js';

const TOLERANCE = 4e-6;

/** Two cases for each kind of cell. */
export function cellCases(): ConformanceCase[] {
  return [
    ...cellKinds.map((kind) =>
      defineProperty('programs', `${kind.name}: compiled as eager`, cellExamples(kind), compareRoads(kind), {
        share: 0.25,
      }),
    ),
    ...cellKinds.map((kind) =>
      defineProperty(
        'programs',
        `${kind.name}: padding changes no bit`,
        cellExamples(kind, { lengths: true }),
        comparePaddings(kind),
        {
          share: 0.1,
        },
      ),
    ),
  ];
}

type Body = (example: CellExample, checks: Checks, subject: Subject) => Promise<void>;

/** Runs a cell, and notes whether the backend holds as much afterwards as before. */
async function runTidily(
  kind: CellKind,
  example: CellExample,
  checks: Checks,
  { backend }: Subject,
  course?: Course,
): Promise<Outcome> {
  const before = backend.memory();
  const outcome = await runCell(kind, example, backend, course);
  const { storages } = backend.memory();
  checks.fact(`${storages - before.storages} storages were left behind`, storages === before.storages);
  return outcome;
}

function compareRoads(kind: CellKind): Body {
  return async (example, checks, subject) => {
    const compiled = await runTidily(kind, example, checks, subject);
    const eager = await runTidily(kind, example, checks, subject, { eager: true });
    eager.results.forEach(({ name, data, shape }, i) =>
      checks.close(name, compiled.results[i].data, data, shape, { tolerance: TOLERANCE }),
    );
  };
}

const paddings: readonly [name: string, padding: (i: number) => number][] = [
  ['NaN', () => NaN],
  ['infinities', (i) => (i % 2 === 0 ? Infinity : -Infinity)],
  ['large numbers', (i) => (i % 2 === 0 ? 1e30 : -3e38)],
];

function comparePaddings(kind: CellKind): Body {
  return async (example, checks, subject) => {
    for (const eager of [false, true]) {
      const expected = await runTidily(kind, example, checks, subject, { eager });
      for (const [padding, fill] of paddings) {
        const { results } = await runTidily(kind, example, checks, subject, { eager, padding: fill });
        results.forEach(({ name, data }, i) => {
          const before = expected.results[i].data;
          const changed = Array.from(data).findIndex((value, at) => !Object.is(value, before[at]));
          checks.fact(
            `with ${padding} as padding${eager ? ', eagerly' : ''}, element ${changed} of ${name} is ${data[changed]}, with other padding ${before[changed]}`,
            changed < 0,
          );
        });
      }
    }
  };
}

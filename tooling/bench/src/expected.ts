import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { reference } from './libraries/on-backends.ts';
import { LOSSES } from './library.ts';
import { numbersOf } from './numbers.ts';
import { nameOf, type Task } from './workload.ts';

const root: string = fileURLToPath(new URL('../../../', import.meta.url));
const cache: string = fileURLToPath(new URL('../build/expected/', import.meta.url));

/** What all of the code that an expected result depends on looks like. */
function fingerprint(): string {
  const hash = createHash('sha256');
  const files = globSync(
    [
      'packages/{core,nn,train,backend-cpu}/dist/*.js',
      'tooling/bench/src/{numbers,workload}.ts',
      'tooling/bench/src/libraries/{ours,modules}.ts',
      'tooling/bench/src/library.ts',
    ],
    { cwd: root },
  );
  for (const file of files.toSorted()) hash.update(file).update(readFileSync(root + file));
  return hash.digest('hex').slice(0, 16);
}

/**
 * The right results, by `@rnn/backend-cpu` in float64. The large ones take a minute, so they are
 * kept for as long as the code that makes them stays the same.
 */
export async function expectations(): Promise<(task: Task) => Promise<Float32Array>> {
  const library = await reference();
  const code = fingerprint();
  mkdirSync(cache, { recursive: true });
  return async (task) => {
    const work = createHash('sha256').update(JSON.stringify(task)).digest('hex').slice(0, 12);
    const file = `${cache}${nameOf(task).replaceAll(' ', '-')}-${code}-${work}.f32`;
    if (existsSync(file)) return new Float32Array(Uint8Array.from(readFileSync(file)).buffer);
    const [job] = await library.prepare(task, numbersOf(task.workload));
    const result = await job.check?.();
    if (result === undefined) throw new Error(`${nameOf(task)}: no expected result`);
    writeFileSync(file, new Uint8Array(result.buffer));
    return result;
  };
}

/**
 * How far a result is from the right one, relative to it.
 *
 * Of outputs and losses it is the largest difference, relative to the expected value where that is
 * above 1. Of the parameters' changes by a training step it is the length of the vector of all
 * differences over the length of the vector of all changes: Adam makes each of about the same size,
 * whatever rounding decided of the gradients near zero.
 *
 * @returns infinity if the sizes differ or a number is missing
 */
export function differenceOf({ kind }: Task, result: Float32Array, expected: Float32Array): number {
  if (result.length !== expected.length) return Infinity;
  const plain = kind === 'train' ? LOSSES : expected.length;
  let worst = 0;
  for (let i = 0; i < plain; i++) {
    worst = Math.max(worst, Math.abs(result[i] - expected[i]) / Math.max(1, Math.abs(expected[i])));
  }
  let [differences, changes] = [0, 0];
  for (let i = plain; i < expected.length; i++) {
    differences += (result[i] - expected[i]) ** 2;
    changes += expected[i] ** 2;
  }
  if (changes > 0) worst = Math.max(worst, Math.sqrt(differences / changes));
  return Number.isNaN(worst) ? Infinity : worst;
}

/**
 * Above this difference a result is another one: float32 with sums in any order stays well below, a
 * wrong formula far above.
 */
export const TOLERANCE = 1e-3;

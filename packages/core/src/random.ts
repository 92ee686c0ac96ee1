import { refuse } from './checks/refusal.js';
import { ArgumentError } from './errors.js';
import { Generator } from './generator.js';

export { Generator };

/**
 * The one source of random numbers: unless it is given another, whatever draws (initialisation,
 * dropout, shuffling) draws from here.
 */
let current: Generator | undefined;

/**
 * Seeds the default generator, so that what follows is the same in every run, on every machine and
 * backend.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * String(randn([2])); // tensor([ 1.5410, -0.2934]), as in PyTorch
 * ```
 * @param seed a safe integer
 * @returns the default generator
 * @throws ArgumentError if the seed is not a safe integer
 */
export function manualSeed(seed: number): Generator {
  current ??= new Generator();
  return current.manualSeed(seed);
}

/**
 * The generator that everything draws from which was given no other one. Until `manualSeed` is
 * called, its seed is 32 bits from the platform's `crypto`, so that two runs differ, as in PyTorch;
 * `initialSeed` tells it.
 *
 * @example
 * ```ts
 * manualSeed(7);
 * defaultGenerator().initialSeed; // 7
 * ```
 */
export function defaultGenerator(): Generator {
  current ??= new Generator(crypto.getRandomValues(new Uint32Array(1))[0]);
  return current;
}

/**
 * The generator that an option names, or the default one.
 *
 * @example
 * ```ts
 * generatorOf('dropout', undefined) === defaultGenerator(); // true
 * ```
 */
export function generatorOf(operation: string, generator: Generator | undefined): Generator {
  if (generator === undefined) return defaultGenerator();
  if (generator instanceof Generator) return generator;
  refuse(ArgumentError, operation, 'generator', {
    value: generator,
    expected: 'a Generator',
    hint: 'make one with new Generator(seed)',
  });
}

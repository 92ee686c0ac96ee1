/** Random positions, drawn on the host, so that a seed gives the same on all backends. */
import { checkOptions } from '../checks/options.js';
import { refuse } from '../checks/refusal.js';
import { checkFloating, checkTensor } from '../checks/tensors.js';
import { checkCount, checkFlag } from '../checks/values.js';
import type { TypedArray } from '../dtype.js';
import { ArgumentError, ShapeError } from '../errors.js';
import { generatorOf, type Generator } from '../random.js';
import { showShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { MultinomialOptions } from '../tensor-methods.js';
import { fromData, randomOptions, type RandomOptions } from './create.js';
import { checkTensorOptions } from './fill.js';
import { hostNumbers } from './sort.js';

/**
 * The whole numbers from 0 up to, without, `n` in random order.
 *
 * @example
 * ```ts
 * manualSeed(0);
 * randperm(4);   // [0, 1, 3, 2], as in PyTorch
 * ```
 * @param n - how many
 * @param options - `generator`, type, place
 * @returns int32 unless `dtype` says otherwise (PyTorch: int64), of shape [n]
 * @throws ArgumentError unless `n` is a whole number from 0 up
 */
export function randperm(n: number, options: RandomOptions = {}): Tensor {
  checkCount('randperm', 'n', n, 0, 2 ** 31 - 1);
  const { dtype, backend, requiresGrad } = checkTensorOptions('randperm', options, 'int32', randomOptions);
  return fromData(generatorOf('randperm', options.generator).permutation(n), [n], { dtype, backend, requiresGrad });
}

/**
 * Positions drawn at random, each as likely as its weight says.
 *
 * @example
 * ```ts
 * multinomial(tensor([0, 10, 3, 0]), 2);                           // 1 and 2, in either order
 * multinomial(tensor([1, 1]), 5, { replacement: true }).shape;     // [5]
 * ```
 * @param weights - [C], or [N, C] for N draws of their own; float32 or float64, on a backend that
 *   answers at once. They need not add up to 1
 * @param numSamples - how many positions from each row
 * @param options - `replacement`: whether a position may come more than once, false unless given;
 *   `generator`
 * @returns int32 (PyTorch: int64) of shape [numSamples] or [N, numSamples]; without replacement in
 *   the order in which they were drawn
 * @throws DTypeError for int32; ShapeError for other ranks; ArgumentError for a weight that is
 *   negative, infinite or NaN, where all are 0, and where fewer than `numSamples` are not 0 without
 *   replacement; BackendError on a backend that answers only later
 *
 * Differs from PyTorch: other draws for the same seed.
 */
export function multinomial(weights: Tensor, numSamples: number, options: MultinomialOptions = {}): Tensor {
  checkTensor('multinomial', 'weights', weights);
  checkFloating('multinomial', 'weights', weights);
  if (weights.rank !== 1 && weights.rank !== 2) {
    const [received, expected] = [showShape(weights.shape), '[C] or [N, C]'];
    refuse(ShapeError, 'multinomial', 'weights', { has: 'shape', received, expected });
  }
  checkCount('multinomial', 'numSamples', numSamples, 1);
  checkOptions('multinomial', options, ['replacement', 'generator']);
  const { replacement = false } = options;
  checkFlag('multinomial', 'replacement', replacement);
  const generator = generatorOf('multinomial', options.generator);
  const { backend, shape } = weights;
  const size = shape[shape.length - 1];
  const numbers = hostNumbers('multinomial', weights);
  // Everything that can be wrong is found before the generator moves on.
  const rows = Array.from({ length: weights.rank === 1 ? 1 : shape[0] }, (_, row) =>
    checkWeights(numbers.slice(row * size, (row + 1) * size), replacement ? 1 : numSamples),
  );
  const places = new Int32Array(rows.length * numSamples);
  const sums = new Float64Array(size);
  let next = 0;
  for (const row of rows) {
    addUp(row, sums);
    for (let i = 0; i < numSamples; i++) {
      const at = drawn(sums, generator);
      places[next++] = at;
      if (replacement) continue;
      row[at] = 0;
      addUp(row, sums); // anew: a difference of sums would leave a rest of what was taken out
    }
  }
  return fromData(places, [...shape.slice(0, -1), numSamples], { backend });
}

/** Refuses what is no distribution, or has too few positions to choose from. */
function checkWeights(weights: TypedArray, least: number): TypedArray {
  const odd = weights.find((weight) => !(weight >= 0 && weight < Infinity));
  if (odd !== undefined) {
    const expected = 'finite values from 0 up';
    refuse(ArgumentError, 'multinomial', 'weights', { has: 'the value', received: String(odd), expected });
  }
  const possible = weights.filter((weight) => weight > 0).length;
  if (possible >= least) return weights;
  refuse(ArgumentError, 'multinomial', 'weights', {
    has: 'a row whose number of values above 0 is',
    received: String(possible),
    expected: least === 1 ? 'at least 1' : `at least ${least}, as many as numSamples`,
    ...(least > 1 && { hint: 'let positions come again with { replacement: true }' }),
  });
}

/** Running sums, of shares of the largest, so that they stay finite. */
function addUp(weights: TypedArray, sums: Float64Array): void {
  let largest = 0;
  for (const weight of weights) largest = Math.max(largest, weight);
  let total = 0;
  for (let i = 0; i < weights.length; i++) sums[i] = total += weights[i] / largest;
}

/** The first position whose running sum lies above a uniform draw. */
function drawn(sums: Float64Array, generator: Generator): number {
  const aim = generator.nextUniform() * sums[sums.length - 1];
  let [low, high] = [0, sums.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > aim) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * How many elements a mean was taken over: what it has to be weighted by when means of several
 * batches are averaged. Counts are noted only while somebody asks for them (`countAverages`).
 */
import { checkFunction } from './checks/values.js';
import { checkTensor } from './checks/tensors.js';
import type { Tensor } from './tensor.js';
import { isTracing } from './tracing-mode.js';

/**
 * A number of elements, or a sum of weights; a tensor with one element where only the device knows
 * it.
 */
export type AverageCount = number | Tensor;

let counts: Map<Tensor, AverageCount> | undefined;

/**
 * Says that a value is an average over so many elements. `mean` and the losses say it of their
 * results, and what is computed from one such number (scaled, with another term added, stacked with
 * others) is still one. A loss that divides by a count of its own says it by this, so that `fit`
 * and `evaluate` give each batch its weight.
 *
 * @example
 * ```ts
 * const loss = averagedOver(errors.sum().div(words), words);
 * ```
 * @param result - the average
 * @param count - what the sum was divided by: the number of elements, or the sum of their weights,
 *   a tensor with one element
 * @returns `result` itself
 */
export function averagedOver(result: Tensor, count: AverageCount): Tensor {
  checkTensor('averagedOver', 'result', result);
  if (typeof count !== 'number') checkTensor('averagedOver', 'count', count);
  if (counts === undefined) return result;
  // A symbol has no value that could be kept.
  if (typeof count === 'number') counts.set(result, count);
  else if (!isTracing()) counts.set(result, count.alias());
  return result;
}

/** Whether any counts are noted now. */
export function areCounted(): boolean {
  return counts !== undefined && counts.size > 0;
}

/** The count of a value that is known to be an average. */
export function countOf(value: Tensor): AverageCount | undefined {
  return counts?.get(value);
}

/**
 * A number that is computed from an average is an average over as many elements, and so are
 * averages in a list.
 */
export function passCountOn(result: Tensor, inputs: readonly Tensor[]): void {
  if (counts === undefined || counts.size === 0) return;
  if (result.size !== 1 && inputs.some(({ size }) => size !== 1)) return;
  for (const input of inputs) {
    const count = counts.get(input);
    if (count === undefined) continue;
    counts.set(result, count);
    return;
  }
}

/**
 * Runs a function while counts of averages are noted.
 *
 * @example
 * ```ts
 * countAverages((countOf) => countOf(tensor([[1, 2], [3, 4]]).mean().mul(10)));   // 4
 * ```
 * @param fn - a synchronous function; it gets `countOf`, which gives the number of elements that a
 *   value is an average over, and `undefined` where that is not known. A count that is a tensor is
 *   freed when `fn` returns
 * @returns what `fn` returned
 */
export function countAverages<R>(fn: (countOf: (value: Tensor) => AverageCount | undefined) => R): R {
  checkFunction('countAverages', 'fn', fn, '(countOf) => ...');
  const outer = counts;
  const own = new Map<Tensor, AverageCount>();
  counts = own;
  try {
    return fn((value) => own.get(value));
  } finally {
    counts = outer;
    for (const count of new Set(own.values())) if (typeof count !== 'number') count.dispose();
  }
}

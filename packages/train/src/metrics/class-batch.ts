import { ArgumentError, ShapeError, type Shape } from '@rnn/core';
import { checkCount, checkOptions, refuse } from '@rnn/core/checks';
import type { Column } from '../data/tensor-dataset.js';
import { readValues, visitWithin, type LengthOptions } from './metric.js';

/** What classifications take beside predictions and targets. */
export interface ClassUpdateOptions extends LengthOptions {
  /**
   * The dimension of the scores that holds the classes; unless given, dimension 1 or the last,
   * whichever leaves the target's shape.
   */
  readonly classDim?: number;
}

/** One step of a batch: the class it is, and where its scores or its predicted class stand. */
export interface ClassVisitor {
  /**
   * @param target - the class
   * @param predicted - the predicted class: the first of the highest scores
   * @param rank - how many classes come before the target by their scores; 0 or 1 for predicted
   *   classes
   */
  (target: number, predicted: number, rank: number): void;
}

/**
 * Reads a batch of predictions and calls `visit` for each step that counts. Everything is checked
 * before the first call.
 *
 * @param owner - for messages
 * @param predictions - scores with one dimension more than the target, or classes in its shape
 * @param target - classes
 * @param options - `lengths`, `batchFirst`, `classDim`
 * @param ignoreIndex - a target that is not counted
 * @param classes - how many there are, where that is known
 * @param visit - called for each step
 */
export function visitClasses(
  owner: string,
  predictions: Column,
  target: Column,
  options: ClassUpdateOptions,
  ignoreIndex: number,
  classes: number | undefined,
  visit: ClassVisitor,
): void {
  const operation = `${owner}.update`;
  checkOptions(operation, options, ['lengths', 'batchFirst', 'classDim']);
  const scores = readValues(operation, 'predictions', predictions);
  const truth = readValues(operation, 'target', target);
  const hasScores = scores.shape.length !== truth.shape.length;
  const dim = hasScores ? classDimOf(operation, scores.shape, truth.shape, options.classDim) : -1;
  if (!hasScores && String(scores.shape) !== String(truth.shape)) refuseShape(operation, scores.shape, truth.shape);
  const count = hasScores ? scores.shape[dim] : classes;
  if (hasScores && classes !== undefined && count !== classes) {
    const expected = `${classes}, as numClasses says`;
    refuse(ShapeError, operation, 'predictions', { has: 'classes', received: String(count), expected });
  }
  if (hasScores && count === 1) {
    const expected = 'at least 2, a score for each class';
    refuse(ShapeError, operation, 'predictions', { has: 'classes', received: '1', expected, hint: binaryHint });
  }
  const most = count === undefined ? undefined : count - 1;
  visitWithin(operation, truth.shape, options, (i) => {
    if (truth.data[i] === ignoreIndex) return;
    if (!hasScores && !Number.isInteger(scores.data[i])) refuseScores(operation, i, scores.data[i]);
    if (!hasScores) checkCount(operation, `element ${i} of predictions`, scores.data[i], 0, most);
    checkCount(operation, `element ${i} of target`, truth.data[i], 0, most);
  });
  const stride = hasScores ? scores.shape.slice(dim + 1).reduce((product, n) => product * n, 1) : 1;
  visitWithin(operation, truth.shape, options, (i) => {
    const label = truth.data[i];
    if (label === ignoreIndex) return;
    if (!hasScores) {
      visit(label, scores.data[i], scores.data[i] === label ? 0 : 1);
      return;
    }
    const start = Math.floor(i / stride) * stride * (count ?? 0) + (i % stride);
    const own = scores.data[start + label * stride];
    let [best, rank] = [0, 0];
    for (let c = 0; c < (count ?? 0); c++) {
      const score = scores.data[start + c * stride];
      // NaN counts as the highest score, as argmax has it, and never as a hit.
      const top = scores.data[start + best * stride];
      if (score > top || (Number.isNaN(score) && !Number.isNaN(top))) best = c;
      if (c !== label && (!(score <= own) || (score === own && c < label))) rank++;
    }
    visit(label, best, Number.isNaN(own) ? Infinity : rank);
  });
}

/** One score that tells two classes apart is no score for each class. */
const binaryHint = 'of a single score make classes: logits.gt(0), or probabilities.gt(0.5), in the shape of the target';

function refuseScores(operation: string, i: number, value: number): never {
  const expected = 'a class, a whole number, as they have the shape of the target';
  return refuse(ArgumentError, operation, `element ${i} of predictions`, { value, expected, hint: binaryHint });
}

function classDimOf(owner: string, scores: Shape, target: Shape, classDim: number | undefined): number {
  const rank = scores.length;
  const fits = (dim: number): boolean => String(scores.filter((_, i) => i !== dim)) === String(target);
  if (classDim !== undefined) {
    checkCount(owner, 'classDim', classDim, -rank, rank - 1);
    const dim = classDim < 0 ? classDim + rank : classDim;
    return fits(dim) ? dim : refuseShape(owner, scores, target);
  }
  const [first, last] = [rank > 1 && fits(1), rank > 0 && fits(rank - 1)];
  if (!first && !last) refuseShape(owner, scores, target);
  if (first && last && rank > 2) {
    refuse(ArgumentError, owner, 'classDim', {
      received: `not given, where the target's shape [${target.join(', ')}] fits both dimension 1 and the last`,
      expected: 'to be written',
      hint: "write classDim: -1 for [T, B, C] and [B, T, C], classDim: 1 for PyTorch's [N, C, ...]",
    });
  }
  return last ? rank - 1 : 1;
}

function refuseShape(owner: string, predictions: Shape, target: Shape): never {
  refuse(ShapeError, owner, 'predictions', {
    has: 'shape',
    received: `[${predictions.join(', ')}]`,
    expected: `that of the target, [${target.join(', ')}], for classes, or one dimension of scores more`,
  });
}

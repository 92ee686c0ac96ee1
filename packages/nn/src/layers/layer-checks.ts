import { ArgumentError, type Tensor } from '@rnn/core';
import { checkPlace, checkShapeIs, checkTensor, refuse } from '@rnn/core/checks';
import { checkFeatures, checkNotEmpty, checkRank } from '../input-checks.js';
import { PackedSequence } from '../sequences/packed-sequence.js';
import { checkRows, type CheckedRows, type RowOptions } from '../sequences/sequence-rows.js';

/** What a sequence is checked against. */
export interface SequenceRule {
  readonly owner: string;
  readonly inputSize: number;
  readonly batchFirst: boolean;
  /** A tensor whose type and place the input must have. */
  readonly parameter: Tensor;
}

/** A sequence that passed the checks, and how it lies. */
export interface CheckedSequence extends CheckedRows {
  readonly x: Tensor;
  /** How many steps the recurrence takes: those that a mask leaves. */
  readonly steps: number;
  /** `undefined` for a single sequence without a batch. */
  readonly batch: number | undefined;
  /** Whether `x` is `[B, T, ...]`. */
  readonly batchFirst: boolean;
}

/**
 * Refuses an input that a recurrent layer cannot take, before any work.
 *
 * @param rule - what the layer expects
 * @param input - `[T, B, inputSize]`, `[B, T, inputSize]` if batch first, `[T, inputSize]`, or
 *   packed
 * @param rows - `lengths`, when they are not part of a packed input, `mask`, `resets`, `resetTo`
 * @returns the input and how it lies
 */
export function checkSequence(
  { owner, inputSize, batchFirst, parameter }: SequenceRule,
  input: Tensor | PackedSequence,
  { lengths, ...marks }: RowOptions,
): CheckedSequence {
  const packed = input instanceof PackedSequence;
  if (packed && lengths !== undefined) {
    const [received, expected] = ['given beside a packed input', 'none, as it has its own'];
    refuse(ArgumentError, owner, 'lengths', { received, expected });
  }
  const x = packed ? input.padded : input;
  checkTensor(owner, 'input', x);
  const { rank, shape } = x;
  // The messages are put together only where there is one.
  const isFit = (rank === 3 || (rank === 2 && !packed)) && shape[rank - 1] === inputSize && x.size > 0;
  if (!isFit) {
    const batched = `[${batchFirst && !packed ? 'B, T' : 'T, B'}, ${inputSize}]`;
    checkRank(owner, x, packed ? [3] : [2, 3], packed ? batched : `${batched} or [T, ${inputSize}]`);
    const form = rank === 3 ? batched : `[T, ${inputSize}]`;
    checkFeatures(owner, x, { size: inputSize, name: 'inputSize', form });
    checkNotEmpty(owner, x, form);
  }
  checkPlace(owner, 'input', x, parameter, 'the parameters');
  const isTurned = batchFirst && !packed && x.rank === 3;
  const batch = x.rank === 3 ? x.shape[isTurned ? 0 : 1] : undefined;
  const steps = x.shape[isTurned ? 1 : 0];
  const options = { lengths: packed ? input.lengths : lengths, ...marks };
  const rows = checkRows(owner, options, { steps, batch, batchFirst: isTurned });
  return { x, steps: rows.selection?.steps ?? steps, batch, batchFirst: isTurned, ...rows };
}

/** What the initial state of a layer must look like. */
export interface StateRule {
  /** The argument's name, such as h0. */
  readonly name: string;
  /** Its size in front, and what that is. */
  readonly runs: number;
  readonly runsName: string;
  readonly width: number;
  /** The name of the width. */
  readonly widthName: string;
}

/** Refuses an initial state that does not fit the input. */
export function checkStates(
  owner: string,
  state: readonly Tensor[],
  rules: readonly StateRule[],
  { x, batch }: CheckedSequence,
): void {
  rules.forEach(({ name, runs, runsName, width, widthName }, i) => {
    checkTensor(owner, name, state[i], true);
    const shape = batch === undefined ? [runs, width] : [runs, batch, width];
    const meaning = `${runsName}, ${batch === undefined ? '' : 'batch, '}${widthName}`;
    checkShapeIs(owner, name, state[i], shape, meaning);
    checkPlace(owner, name, state[i], x);
  });
}

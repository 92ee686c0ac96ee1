import { ArgumentError, checkLengths, DTypeError, ShapeError, showShape, Tensor, type Lengths } from '@rnn/core';
import { checkCount, checkFloating, checkList, checkTensor, refuse } from '@rnn/core/checks';

/** Targets of a CTC loss: lists of classes, or an int32 tensor of padded or joined rows. */
export type CtcTargets = Tensor | readonly (readonly number[])[] | readonly number[];

/** The arguments of a CTC loss. */
interface CtcArguments {
  readonly logProbs: Tensor;
  readonly targets: CtcTargets;
  readonly inputLengths: Lengths | undefined;
  readonly targetLengths: Lengths | undefined;
  readonly blank: number;
}

/** The same after a check. */
export interface CtcBatch {
  /** The classes of each row's target. */
  readonly labels: readonly (readonly number[])[];
  /** Valid steps of each row. */
  readonly lengths: readonly number[];
}

/** Refuses what is no batch of steps and classes. */
export function checkLogProbs(owner: string, logProbs: unknown): asserts logProbs is Tensor {
  checkTensor(owner, 'logProbs', logProbs);
  checkFloating(owner, 'logProbs', logProbs);
  if ((logProbs.rank === 2 || logProbs.rank === 3) && logProbs.size > 0) return;
  const expected = '[T, B, C], or [T, C] for a single sequence, with every size at least 1';
  refuse(ShapeError, owner, 'logProbs', { has: 'shape', received: showShape(logProbs.shape), expected });
}

/** Checks the arguments of a CTC loss, and brings them into one form. */
export function checkCtc(owner: string, args: CtcArguments): CtcBatch {
  const { logProbs, targets, inputLengths, targetLengths, blank } = args;
  checkLogProbs(owner, logProbs);
  const { shape, rank } = logProbs;
  const rows = rank === 2 ? 1 : shape[1];
  const classes = shape[rank - 1];
  checkCount(owner, 'blank', blank, 0, classes - 1);
  const lengths =
    inputLengths === undefined
      ? Array.from({ length: rows }, () => shape[0])
      : checkLengths(owner, inputLengths, rows, shape[0]);
  const labels = targets instanceof Tensor ? ofTensor(owner, targets, targetLengths, rows) : ofLists(owner, args, rows);
  labels.forEach((row, b) => {
    row.forEach((label, i) => {
      const name = `targets[${b}][${i}]`;
      checkCount(owner, name, label, 0, classes - 1);
      if (label === blank) {
        refuse(ArgumentError, owner, name, { value: label, expected: 'a class other than the blank' });
      }
    });
  });
  return { labels, lengths };
}

function ofLists(owner: string, { logProbs, targets, targetLengths }: CtcArguments, rows: number): number[][] {
  const isSingle = logProbs.rank === 2;
  checkList(owner, 'targets', targets, isSingle ? 'classes' : 'lists of classes');
  const lists = (isSingle && !Array.isArray(targets[0]) ? [targets] : targets) as readonly unknown[];
  if (lists.length !== rows) {
    const expected = `${rows}, one list for each row`;
    refuse(ShapeError, owner, 'targets', { has: 'length', received: String(lists.length), expected });
  }
  lists.forEach((row, b) => checkList(owner, `targets[${b}]`, row, 'classes'));
  const all = lists as readonly (readonly number[])[];
  if (targetLengths === undefined) return all.map((row) => [...row]);
  const longest = all.reduce((most, row) => Math.max(most, row.length), 0);
  const counts = checkLengths(owner, targetLengths, rows, longest);
  return all.map((row, b) => {
    checkCount(owner, `targetLengths[${b}]`, counts[b], 0, row.length);
    return row.slice(0, counts[b]);
  });
}

function ofTensor(owner: string, targets: Tensor, targetLengths: Lengths | undefined, rows: number): number[][] {
  if (targets.dtype !== 'int32') {
    const hint = "convert with .to('int32')";
    refuse(DTypeError, owner, 'targets', { received: targets.dtype, expected: 'int32', hint });
  }
  const { rank, shape } = targets;
  const isPadded = (rank === 2 && shape[0] === rows) || (rank === 1 && rows === 1 && targetLengths === undefined);
  if (!isPadded && (rank !== 1 || targetLengths === undefined)) {
    const expected = `[${rows}, S], or [sum of targetLengths]`;
    refuse(ShapeError, owner, 'targets', { has: 'shape', received: showShape(shape), expected });
  }
  const width = shape[rank - 1];
  const counts =
    targetLengths === undefined
      ? Array.from({ length: rows }, () => width)
      : checkLengths(owner, targetLengths, rows, width);
  const data = Array.from(targets.dataSync());
  if (isPadded) return counts.map((count, b) => data.slice(b * width, b * width + count));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total !== width) {
    const expected = `[${total}], the sum of targetLengths`;
    refuse(ShapeError, owner, 'targets', { has: 'shape', received: showShape(shape), expected });
  }
  let start = 0;
  return counts.map((count) => data.slice(start, (start += count)));
}

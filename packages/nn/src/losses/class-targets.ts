import {
  ArgumentError,
  type Backend,
  DTypeError,
  fromData,
  ge,
  lt,
  mul,
  ne,
  permute,
  reshape,
  sameShape,
  type Shape,
  ShapeError,
  showShape,
  sizeOf,
  sum,
  type Tensor,
  where,
} from '@rnn/core';
import { checkCount, checkPlace, checkShapeIs, checkTensor, refuse } from '@rnn/core/checks';
import { checkNotEmpty } from '../input-checks.js';
import { stepMarks } from '../sequences/valid-steps.js';
import { targetLengths, type LossForwardOptions, type LossModuleOptions } from './reduction.js';

/** What the modules of the losses over classes take. */
export interface ClassLossModuleOptions extends LossModuleOptions {
  /** A factor for each class, `[C]`. */
  readonly weight?: Tensor;
  /** A target that has no part in the loss; -100 unless said otherwise. */
  readonly ignoreIndex?: number;
  /**
   * Which dimension of the input the classes are in. Unless given it is 1 as in PyTorch,
   * `[N, C, d1, ...]`; with `lengths` also the last one, `[T, B, C]`, where the target's shape
   * leaves no doubt.
   */
  readonly classDim?: number;
}

/** What the functions take. */
export interface ClassLossOptions extends ClassLossModuleOptions, LossForwardOptions {}

/** How the classes lie in an input. */
export interface ClassLayout {
  readonly dim: number;
  readonly classes: number;
  /** The input's shape without the classes: that of a target of class indices. */
  readonly outer: Shape;
  /** Number of rows, one distribution each. */
  readonly rows: number;
}

/** Refuses values that the options of a loss over classes cannot have, whatever the classes are. */
export function checkClassOptions(owner: string, { ignoreIndex, classDim, weight }: ClassLossModuleOptions): void {
  if (ignoreIndex !== undefined) checkCount(owner, 'ignoreIndex', ignoreIndex, -(2 ** 31), 2 ** 31 - 1);
  if (classDim !== undefined) checkCount(owner, 'classDim', classDim, -(2 ** 31), 2 ** 31 - 1);
  if (weight !== undefined) checkTensor(owner, 'weight', weight, true);
}

/** Finds the dimension of the classes, after a check of input, weight and option. */
export function classLayout(owner: string, input: Tensor, target: Tensor, options: ClassLossOptions): ClassLayout {
  checkTensor(owner, 'input', input);
  checkTensor(owner, 'target', target);
  checkNotEmpty(owner, input, '[N, C, ...]');
  if (input.dtype === 'int32') {
    refuse(DTypeError, owner, 'input', { received: 'int32', expected: 'float32 or float64' });
  }
  const { rank, shape } = input;
  const { classDim = usualDim(owner, input, target, options), weight } = options;
  if (!Number.isInteger(classDim) || classDim < -rank || classDim >= rank) {
    refuse(ArgumentError, owner, 'classDim', {
      value: classDim,
      expected: `a dimension of the input, ${showShape(shape)}`,
    });
  }
  const dim = classDim < 0 ? classDim + rank : classDim;
  const classes = shape[dim];
  if (weight !== undefined) {
    checkTensor(owner, 'weight', weight);
    checkShapeIs(owner, 'weight', weight, [classes], 'one factor for each class');
    checkPlace(owner, 'weight', weight, input);
  }
  const outer = shape.filter((_, i) => i !== dim);
  return { dim, classes, outer, rows: sizeOf(outer) };
}

/**
 * The dimension of the classes where the caller does not say it: that of PyTorch. A padded batch
 * mostly has them last, which dimension 1 could be mistaken for. So with lengths it is whichever of
 * both leaves the target's shape; where both do, guessing would make the loss of a batch depend on
 * its size.
 */
function usualDim(owner: string, input: Tensor, target: Tensor, { lengths }: ClassLossOptions): number {
  const { rank, shape } = input;
  if (rank < 2) return 0;
  if (lengths === undefined || rank === 2) return 1;
  const fits = (dim: number): boolean =>
    sameShape(
      target.shape,
      shape.filter((_, i) => i !== dim),
    );
  const isSoft = target.dtype !== 'int32' && sameShape(target.shape, shape);
  if (!isSoft && fits(1) !== fits(rank - 1)) return fits(1) ? 1 : rank - 1;
  if (!isSoft && !fits(1)) return rank - 1; // refused later, with the shape that is expected
  return refuse(ArgumentError, owner, 'classDim', {
    received: `left out, and with lengths the classes of an input ${showShape(shape)} for a target ${showShape(target.shape)} may be in dimension 1 or ${rank - 1}`,
    expected: 'the dimension of the classes',
    hint: "write classDim: -1 for [T, B, C] and [B, T, C], classDim: 1 for PyTorch's [N, C, ...]",
  });
}

/** A tensor that lies like the input as `[rows, classes]`. */
export function asRows(tensor: Tensor, { dim, rows, classes }: ClassLayout): Tensor {
  const order = tensor.shape.map((_, i) => i).filter((i) => i !== dim);
  const last = dim === tensor.rank - 1 ? tensor : permute(tensor, [...order, dim]);
  return reshape(last, [rows, classes]);
}

/** The rows that count. */
export interface CountedRows {
  /** 1 where a row counts, `[rows]`; `undefined` when all of them do. */
  readonly mask: Tensor | undefined;
  /** How many do; an int32 tensor where only the device knows. */
  readonly count: number | Tensor;
}

/** Class indices that can be used as such. */
export interface ClassIndices extends CountedRows {
  /** `[rows]`; any class for rows that do not count. */
  readonly index: Tensor;
  /** 1 where the target is a class, `[rows]`; `undefined` when it is in every row that counts. */
  readonly isClass: Tensor | undefined;
}

/**
 * The class of each row, from indices on which no one can rely yet.
 *
 * @param owner - for messages
 * @param target - int32, of the layout's outer shape
 * @param layout - of the input
 * @param options - `ignoreIndex`, `lengths`, `batchFirst`
 * @returns usable indices and the rows that count
 * @throws ArgumentError for an index that is no class, unless the backend answers only later and so
 *   cannot be asked
 */
export function classIndices(
  owner: string,
  target: Tensor,
  { classes, outer, rows, dim }: ClassLayout,
  options: ClassLossOptions,
): ClassIndices {
  if (!sameShape(target.shape, outer)) {
    refuse(ShapeError, owner, 'target', {
      has: 'shape',
      received: showShape(target.shape),
      expected: `${showShape(outer)}, the input's without dimension ${dim}, the ${classes} classes`,
      hint: 'option classDim says where they are',
    });
  }
  if (target.dtype !== 'int32') {
    const hint = "make it with tensor(values, { dtype: 'int32' }), or give a data set Int32Array.from(values)";
    refuse(DTypeError, owner, 'target', { received: target.dtype, expected: 'int32 class indices', hint });
  }
  const { ignoreIndex = -100 } = options;
  const { backend } = target;
  const marks = rowMarks(owner, outer, options);
  const { bounds } = target.held;
  const areClasses = bounds !== undefined && bounds.min >= 0 && bounds.max < classes;
  if (areClasses && (ignoreIndex < bounds.min || ignoreIndex > bounds.max)) {
    return { index: reshape(target, [rows]), isClass: undefined, ...counted(marks, rows, backend) };
  }
  if (!backend.info.synchronous) return indicesOnDevice(reshape(target, [rows]), classes, ignoreIndex, marks);
  const values = target.dataSync();
  const index = new Int32Array(rows);
  const mask = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const value = values[i];
    if (marks?.[i] === 0 || value === ignoreIndex) continue;
    if (value < 0 || value >= classes) {
      const expected = `class indices from 0 to ${classes - 1} or ignoreIndex (${ignoreIndex})`;
      refuse(ArgumentError, owner, 'target', { has: 'the value', received: String(value), expected });
    }
    index[i] = value;
    mask[i] = 1;
  }
  return { index: fromData(index, [rows], { backend }), isClass: undefined, ...counted(mask, rows, backend) };
}

/** The same by operations alone. */
function indicesOnDevice(
  target: Tensor,
  classes: number,
  ignoreIndex: number,
  marks: Int32Array | undefined,
): ClassIndices {
  const isClass = mul(ge(target, 0), lt(target, classes));
  const index = where(isClass, target, 0);
  index.held.bounds = { min: 0, max: classes - 1, isTight: false };
  const isMeant = ne(target, ignoreIndex);
  const mask = marks === undefined ? isMeant : mul(isMeant, fromData(marks, target.shape, { backend: target.backend }));
  return { index, isClass, mask, count: sum(mask) };
}

function counted(marks: Int32Array | undefined, rows: number, backend: Backend): CountedRows {
  const count = marks?.reduce((sum, mark) => sum + mark, 0) ?? rows;
  return { mask: marks === undefined || count === rows ? undefined : fromData(marks, [rows], { backend }), count };
}

/**
 * The rows that lie within the lengths.
 *
 * @param owner - for messages
 * @param like - a tensor on the backend of the mask
 * @param layout - of the input
 * @param options - `lengths`, `batchFirst`
 */
export function countedRows(
  owner: string,
  { backend }: Tensor,
  { outer, rows }: ClassLayout,
  options: ClassLossOptions,
): CountedRows {
  return counted(rowMarks(owner, outer, options), rows, backend);
}

/** 1 for each row within the lengths, else 0; `undefined` without lengths. */
function rowMarks(owner: string, outer: Shape, options: ClassLossOptions): Int32Array | undefined {
  const lengths = targetLengths(owner, outer, options);
  if (lengths === undefined) return undefined;
  const { batchFirst = false } = options;
  const marks = stepMarks(lengths, outer[batchFirst ? 1 : 0], batchFirst);
  const each = sizeOf(outer.slice(2));
  return each === 1 ? marks : Int32Array.from({ length: marks.length * each }, (_, i) => marks[Math.floor(i / each)]);
}

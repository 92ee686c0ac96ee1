/** Tensors with more around them, and windows over them. */
import { placeDim } from './operands.js';
import { checkList, checkChoice, checkCount } from '../checks/values.js';
import { refuse } from '../checks/refusal.js';
import { checkTensor } from '../checks/tensors.js';
import { ArgumentError, ShapeError } from '../errors.js';
import { scope } from '../scope.js';
import { showShape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import type { PadMode } from '../tensor-methods.js';
import { expand, reshape } from './broadcast.js';
import { fromData } from './create.js';
import { full } from './fill.js';
import { indexSelect } from './indexing.js';
import { concat } from './join.js';
import { flip, permute } from './movement.js';
import { narrow } from './slice.js';

/**
 * More places before and behind dimensions.
 *
 * @example
 * ```ts
 * pad(tensor([1, 2, 3]), [2, 1]);              // [0, 0, 1, 2, 3, 0]
 * pad(tensor([1, 2, 3]), [2, 1], 'reflect');   // [3, 2, 1, 2, 3, 2]
 * ```
 * @param x - any shape and type
 * @param padding - how many before and behind the last dimension, then the one before it, and so on
 * @param mode - 'constant': all are `value`, and negative numbers cut places off; 'reflect':
 *   mirrored at the first and last place, which are not repeated; 'replicate': the first and last
 *   place again; 'circular': those of the other end
 * @param value - for 'constant'; 0 unless given
 * @returns the larger shape
 * @throws ArgumentError when `padding` is no list of pairs, or longer than the shape; ShapeError
 *   when a dimension has too few places
 *
 * Differs from PyTorch: every mode takes any number of dimensions.
 */
export function pad(x: Tensor, padding: readonly number[], mode: PadMode = 'constant', value = 0): Tensor {
  checkTensor('pad', 'x', x);
  checkPadding(x, padding, mode);
  return scope(() => {
    let result = reshape(x, x.shape); // a tensor of its own, also where there is nothing to add
    for (let i = 0; i < padding.length; i += 2) {
      const [before, behind] = [padding[i], padding[i + 1]];
      const dim = x.rank - 1 - i / 2;
      if (before !== 0 || behind !== 0) result = padded(result, dim, before, behind, mode, value);
    }
    return result;
  });
}

function checkPadding(x: Tensor, padding: readonly number[], mode: PadMode): void {
  checkChoice('pad', 'mode', mode, ['constant', 'reflect', 'replicate', 'circular']);
  checkList('pad', 'padding', padding, 'numbers such as [1, 1]');
  const { length } = padding;
  if (length % 2 === 1 || length > 2 * x.rank) {
    const expected = `one pair for each dimension from the last, ${2 * x.rank} numbers at most`;
    refuse(ArgumentError, 'pad', 'padding', { received: `an array of ${length}`, expected });
  }
  for (const [i, count] of padding.entries()) {
    if (!Number.isSafeInteger(count) || (count < 0 && mode !== 'constant')) {
      const expected = mode === 'constant' ? 'a whole number' : `a whole number from 0 up in mode '${mode}'`;
      refuse(ArgumentError, 'pad', `padding[${i}]`, { value: count, expected });
    }
    checkPlaces(x, x.rank - 1 - Math.floor(i / 2), i, count, mode);
  }
  for (let i = 0; i < length; i += 2) {
    const size = x.shape[x.rank - 1 - i / 2];
    if (size + Math.min(padding[i], 0) + Math.min(padding[i + 1], 0) >= 0) continue;
    const received = `[${padding.join(', ')}]`;
    refuse(ArgumentError, 'pad', 'padding', { received, expected: `no more than the ${size} places to be cut off` });
  }
}

/** Refuses to take more places than there are. */
function checkPlaces(x: Tensor, dim: number, i: number, count: number, mode: PadMode): void {
  if (mode === 'constant' || count === 0) return;
  const size = x.shape[dim];
  const most = { reflect: size - 1, replicate: size > 0 ? Infinity : 0, circular: size }[mode];
  if (count <= most) return;
  const expected = `at most ${Math.max(most, 0)}, as x has shape ${showShape(x.shape)} and mode is '${mode}'`;
  refuse(ShapeError, 'pad', `padding[${i}]`, { value: count, expected });
}

function padded(x: Tensor, dim: number, before: number, behind: number, mode: PadMode, value: number): Tensor {
  const cut = narrow(x, dim, Math.max(-before, 0), x.shape[dim] + Math.min(before, 0) + Math.min(behind, 0));
  const size = cut.shape[dim];
  const edge = (count: number, isFirst: boolean): Tensor[] => {
    if (count <= 0) return [];
    const shape = cut.shape.map((s, i) => (i === dim ? count : s));
    switch (mode) {
      case 'constant':
        return [full(shape, value, { dtype: x.dtype, backend: x.backend })];
      case 'reflect':
        return [flip(narrow(cut, dim, isFirst ? 1 : size - 1 - count, count), dim)];
      case 'replicate':
        return [expand(narrow(cut, dim, isFirst ? 0 : size - 1, 1), shape)];
      case 'circular':
        return [narrow(cut, dim, isFirst ? size - count : 0, count)];
    }
  };
  return concat([...edge(before, true), cut, ...edge(behind, false)], dim);
}

/**
 * Windows along a dimension: `size` neighbouring places each, the first ones of two windows `step`
 * places apart.
 *
 * @example
 * ```ts
 * unfold(arange(5), 0, 3, 2);   // [[0, 1, 2], [2, 3, 4]]
 * ```
 * @param x - any shape of rank at least 1
 * @param dim - the dimension to go along
 * @param size - the length of a window
 * @param step - from one window to the next, at least 1
 * @returns the number of windows at `dim`, and their places in a new last dimension; places that
 *   belong to no whole window are left out
 * @throws ArgumentError when a number does not fit; ShapeError for a single number
 *
 * Differs from PyTorch: the result is a copy. The gradient of a place in several windows is their
 * sum, as there.
 */
export function unfold(x: Tensor, dim: number, size: number, step: number): Tensor {
  const at = placeDim('unfold', x, dim);
  const { backend, shape } = x;
  checkCount('unfold', 'size', size, 0, shape[at]);
  checkCount('unfold', 'step', step, 1);
  const count = Math.floor((shape[at] - size) / step) + 1;
  const places = new Int32Array(count * size);
  for (let i = 0; i < places.length; i++) places[i] = Math.floor(i / size) * step + (i % size);
  return scope(() => {
    const index = fromData(places, [places.length], { backend });
    const parts = reshape(indexSelect(x, at, index), [...shape.slice(0, at), count, size, ...shape.slice(at + 1)]);
    const order = [...parts.shape.keys()].filter((i) => i !== at + 1);
    return permute(parts, [...order, at + 1]);
  });
}

/**
 * The states before each step, made of the states after it, which are kept for the backward pass
 * anyway: `[h0, h1, h2]` of `[h1, h2, h3]`.
 */
import type { Backend, Storage } from '../../backend.js';
import { mergeDims } from '../../shape.js';
import { transaction, type Primitives } from '../../transaction.js';
import type { LoopBounds } from './executable.js';

/**
 * @param backend - where the storages are
 * @param after - `[steps, rows, width]`: the state after each step
 * @param initial - `[rows, width]`
 * @param extent - of the run
 * @param reverse - whether the forward pass ran from the last step to the first
 * @returns a new storage like `after`: the state before each step that a row has, and anything
 *   finite that is in `after` beyond
 */
export function previousStates(
  backend: Backend,
  after: Storage,
  initial: Storage,
  extent: LoopBounds,
  reverse: boolean,
): Storage {
  return transaction(backend, (primitives) => shifted(primitives, after, initial, extent, reverse));
}

function shifted(
  backend: Primitives,
  after: Storage,
  initial: Storage,
  { steps, rows, lengths, resets }: LoopBounds,
  reverse: boolean,
): Storage {
  const { dtype } = after;
  const size = initial.size;
  const rest = (steps - 1) * size;
  const moved = backend.copy({ storage: after, offset: reverse ? size : 0, strides: [1] }, [rest], dtype);
  const parts = [
    { storage: initial, run: size },
    { storage: moved, run: rest },
  ];
  const before = backend.concat(reverse ? parts.reverse() : parts, 1);
  backend.release(moved);
  // In reverse a short row starts later than the others, and after a reset a row starts afresh.
  const starts = resets !== undefined || (reverse && lengths !== undefined);
  if (!starts) return before;
  const marks = new Float32Array(steps * rows);
  for (let row = 0; row < rows; row++) {
    const first = reverse ? (lengths?.[row] ?? steps) - 1 : 0;
    for (let t = 0; t < steps; t++) marks[t * rows + row] = t === first ? 1 : (resets?.[t * rows + row] ?? 0);
  }
  const width = size / rows;
  const condition = backend.upload(marks);
  const { sizes, strides } = mergeDims(
    [steps, rows, width],
    [
      [rows, 1, 0],
      [0, width, 1],
      [size, width, 1],
    ],
  );
  const result = backend.select(
    { storage: condition, offset: 0, strides: strides[0] },
    { storage: initial, offset: 0, strides: strides[1] },
    { storage: before, offset: 0, strides: strides[2] },
    sizes,
    dtype,
  );
  backend.release(condition);
  backend.release(before);
  return result;
}

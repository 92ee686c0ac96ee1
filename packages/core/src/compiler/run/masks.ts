/** Sequences with padding and resets: what stands past the end of a row, and before each step. */
import type { Backend, Storage } from '../../backend.js';
import { wrap } from '../../record.js';
import { mergeDims } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { transaction, type Primitives } from '../../transaction.js';
import type { LoopBounds } from './executable.js';
import { validSteps } from '../../scan/arguments.js';

/**
 * 1 for every step that a row still has, 0 beyond: `[steps, rows]`, or nothing if all rows have all
 * steps.
 */
export function maskOf(backend: Backend, { steps, rows, lengths }: LoopBounds): Tensor | undefined {
  if (lengths === undefined || lengths.every((length) => length === steps)) return undefined;
  return wrap(backend, backend.upload(validSteps(lengths, steps)), [steps, rows]);
}

/** A storage of all steps with zeros where the mask has them. */
export function masked(backend: Backend, mask: Tensor, storage: Storage): Storage {
  const width = storage.size / mask.size;
  const { sizes, strides } = mergeDims(
    [mask.size, width],
    [
      [1, 0],
      [width, 1],
    ],
  );
  return backend.select(
    { storage: mask.storage, offset: 0, strides: strides[0] },
    { storage, offset: 0, strides: strides[1] },
    0,
    sizes,
    storage.dtype,
  );
}

/**
 * A storage of all steps with valid values past the end of each row: there even a function with a
 * pole, such as a logarithm, is finite, and its derivative times zero is zero.
 */
export function padded(backend: Backend, extent: LoopBounds, storage: Storage): Storage {
  const { steps, rows, lengths } = extent;
  const count = steps * rows;
  const sources = lengths && standInSteps(lengths, steps);
  if (sources === undefined) return backend.fill(1, storage.size, storage.dtype);
  return transaction(backend, (primitives) => {
    const index = primitives.upload(sources);
    const result = primitives.gather(
      storage,
      { storage: index, offset: 0, strides: [0, 1, 0] },
      { outer: 1, size: count, inner: storage.size / count, count },
    );
    primitives.release(index);
    return result;
  });
}

/**
 * For each step and row, a step and row (as `t * rows + row`) with valid values: its own, past the
 * end of a row the last one, and for a row without steps the first one of another row.
 *
 * @returns `undefined` where no row has a step
 */
function standInSteps(lengths: ArrayLike<number>, steps: number): Int32Array | undefined {
  const rows = lengths.length;
  const other = Array.from(lengths).findIndex((length) => length > 0);
  if (other < 0) return undefined;
  return Int32Array.from({ length: steps * rows }, (_, i) => {
    const [t, row] = [Math.floor(i / rows), i % rows];
    if (lengths[row] === 0) return other;
    return Math.min(t, lengths[row] - 1) * rows + row;
  });
}

/**
 * The states before each step, made of the states after it, which are kept for the backward pass
 * anyway: `[h0, h1, h2]` of `[h1, h2, h3]`.
 *
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

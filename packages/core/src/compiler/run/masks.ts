/** Sequences of different lengths: zeros past the end of each row, or what stands before it. */
import type { Backend, Storage } from '../../backend.js';
import { wrap } from '../../record.js';
import { mergeDims } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import { transaction } from '../../transaction.js';
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

/** The mean over all elements of what a run makes, and its derivative. */
import { averagedOver } from '../../averages.js';
import type { Backend, Storage, Strided } from '../../backend.js';
import { wrap } from '../../record.js';
import type { Tensor } from '../../tensor.js';

/** The mean of all elements, with the numbers of `mean`. */
export function meanOf(backend: Backend, storage: Storage): Tensor {
  const { size } = storage;
  const sum = size === 1 ? storage : backend.reduce('sum', storage, 1, size, 1);
  try {
    const dense: Strided = { storage: sum, offset: 0, strides: [1] };
    return averagedOver(wrap(backend, backend.binary('div', dense, size, [1]), []), size);
  } finally {
    if (sum !== storage) backend.release(sum);
  }
}

/** The gradient of each of `size` elements, given that of their mean. */
export function spreadMean(backend: Backend, gradient: Storage, size: number): Storage {
  return backend.binary('div', { storage: gradient, offset: 0, strides: [0] }, size, [size]);
}

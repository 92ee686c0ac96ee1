import { detach, Tensor } from '@rnn/core';
import { isPlainObject } from '../tree.js';

/**
 * A batch with its tensors replaced: those in lists and plain objects. Everything else in it is the
 * same.
 */
function mapTensors<B>(batch: B, map: (tensor: Tensor) => Tensor): B {
  const copy = (value: unknown): unknown => {
    if (value instanceof Tensor) return map(value);
    if (Array.isArray(value)) return value.map(copy);
    if (!isPlainObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copy(item)]));
  };
  return copy(batch) as B;
}

/** The tensors of a batch, in lists and plain objects. */
export function tensorsOf(batch: unknown): Tensor[] {
  const found: Tensor[] = [];
  const visit = (value: unknown): void => {
    if (value instanceof Tensor) found.push(value);
    else if (Array.isArray(value)) value.forEach(visit);
    else if (isPlainObject(value)) Object.values(value).forEach(visit);
  };
  visit(batch);
  return found;
}

/**
 * A batch that outlives the scope of its step: the same structure with handles of its own. The
 * caller frees them.
 */
export function keptBatch<B>(batch: B): B {
  return mapTensors(batch, (tensor) => detach(tensor).keep());
}

/** Frees the tensors of a batch. */
export function disposeBatch(batch: unknown): void {
  for (const tensor of tensorsOf(batch)) tensor.dispose();
}

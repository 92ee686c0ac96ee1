import { scope, Tensor } from '@rnn/core';
import type { TensorSource } from './host-tensor.js';

/** Tensors that stay until they are let go, whatever happens to what they came from. */
export interface Held<T> {
  readonly value: T;
  readonly tensors: Readonly<Record<string, TensorSource>>;
  /** Lets the tensors go. */
  readonly release: () => void;
}

/**
 * Takes hold of values as they are now: a training may go on, or a scope end, before they are
 * written. They are not copied; whoever changes a parameter puts new numbers in the place of these.
 *
 * @param make - gives tensors by name, and what else belongs to them; tensors that it makes on the
 *   way are freed
 */
export function hold<T extends { readonly tensors: Readonly<Record<string, TensorSource>> }>(make: () => T): Held<T> {
  const held: Tensor[] = [];
  const made = scope(() => {
    const value = make();
    const entries = Object.entries(value.tensors).map(([name, source]): [string, TensorSource] => {
      if (!(source instanceof Tensor)) return [name, source];
      const handle = source.detach().keep();
      held.push(handle);
      return [name, handle];
    });
    return { value: { ...value, tensors: {} }, tensors: Object.fromEntries(entries) };
  });
  return { ...made, release: () => held.forEach((tensor) => tensor.dispose()) };
}

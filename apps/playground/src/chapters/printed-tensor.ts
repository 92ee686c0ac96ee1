import { fromData, type Backend, type Tensor } from '@rnn/core';

/**
 * A tensor as `String(tensor)` prints it, also from a device that gives its numbers only to those
 * who wait; then without the name of the operation that it came from.
 *
 * @param host - a backend whose numbers can be read at once
 */
export async function textOf(x: Tensor | undefined, host: Backend): Promise<string> {
  if (x === undefined || x.backend.info.synchronous) return String(x);
  using copy = fromData(await x.data(), x.shape, { backend: host });
  return String(copy);
}

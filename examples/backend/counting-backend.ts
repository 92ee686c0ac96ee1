import { cpu } from '@rnn/backend-cpu';
import type { Backend } from '@rnn/core';

/** How often something was asked of a backend, and how long it took in all. */
export interface Count {
  calls: number;
  milliseconds: number;
}

/**
 * A backend of one's own: all that it does is done by another one, and timed. It has no `compile`,
 * so that every operation is seen by itself. What an interpreter, a remote machine or a new
 * accelerator needs is the same list of methods.
 */
export async function counting(): Promise<Backend & { readonly counts: Map<string, Count> }> {
  const inner = await cpu();
  const counts = new Map<string, Count>();
  const timed =
    <A extends unknown[], R>(name: string, call: (...args: A) => R) =>
    (...args: A): R => {
      const start = performance.now();
      const result = call(...args);
      const count = counts.get(name) ?? { calls: 0, milliseconds: 0 };
      counts.set(name, count);
      count.calls++;
      count.milliseconds += performance.now() - start;
      return result;
    };
  return {
    counts,
    info: { ...inner.info, name: 'counting', notes: ['counts the calls of @rnn/backend-cpu'] },
    upload: timed('upload', (values) => inner.upload(values)),
    fill: timed('fill', (value, size, dtype) => inner.fill(value, size, dtype)),
    read: (storage) => inner.read(storage),
    readSync: timed('read', (storage) => inner.readSync(storage)),
    release: (storage) => inner.release(storage),
    memory: () => inner.memory(),
    dispose: () => inner.dispose(),
    unary: timed('unary', (op, x) => inner.unary(op, x)),
    binary: timed('binary', (op, a, b, sizes) => inner.binary(op, a, b, sizes)),
    select: timed('select', (condition, a, b, sizes, dtype) => inner.select(condition, a, b, sizes, dtype)),
    copy: timed('copy', (x, sizes, dtype) => inner.copy(x, sizes, dtype)),
    concat: timed('concat', (parts, outer) => inner.concat(parts, outer)),
    gather: timed('gather', (x, index, sizes) => inner.gather(x, index, sizes)),
    scatterAdd: timed('scatterAdd', (source, index, sizes) => inner.scatterAdd(source, index, sizes)),
    reduce: timed('reduce', (op, x, outer, size, count) => inner.reduce(op, x, outer, size, count)),
    matmul: timed('matmul', (a, b, sizes) => inner.matmul(a, b, sizes)),
  };
}

import { BackendError, type Backend } from '@rnn/core';

/**
 * A backend that can be read from only by waiting, as those on WebGPU can: everything else is left
 * to another backend. With it the code above backends, and tests of it, meet such a device on any
 * machine.
 *
 * @example
 * ```ts
 * import { cpu } from '@rnn/backend-cpu';
 * import { answersLater } from '@rnn/conformance/answers-later';
 * import { tensor } from '@rnn/core';
 *
 * const backend = answersLater(await cpu());
 * const y = tensor([1, 2], { backend }).mul(3);
 * await y.data();   // [3, 6]; y.dataSync() is a BackendError
 * ```
 * @param backend - what stores and computes, synchronously
 * @returns a backend of the name `later`, whose `info.synchronous` is false
 */
export function answersLater(backend: Backend): Backend {
  return Object.assign(Object.create(backend) as Backend, {
    info: { ...backend.info, name: 'later', synchronous: false },
    read: async (...args: Parameters<Backend['read']>) => {
      const values = await backend.read(...args);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return values;
    },
    readSync: () => {
      throw new BackendError('later: await data() instead');
    },
  });
}

import { cpu } from '@rnn/backend-cpu';
import { BackendError, type Backend } from '@rnn/core';

/** A backend like one on WebGPU: it can be read from only by waiting. */
export async function answersLater(): Promise<Backend> {
  const real = await cpu();
  return Object.assign(Object.create(real) as Backend, {
    info: { ...real.info, name: 'later', synchronous: false },
    read: async (...args: Parameters<Backend['read']>) => {
      const values = await real.read(...args);
      await new Promise((resolve) => setTimeout(resolve, 1));
      return values;
    },
    readSync: () => {
      throw new BackendError('later: await data() instead');
    },
  });
}

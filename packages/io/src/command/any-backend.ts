import type { Backend } from '@rnn/core';

/** A backend to run models on, where one is installed: this package works without. */
export async function anyBackend(): Promise<Backend | undefined> {
  const name = '@rnn/backend-cpu';
  try {
    const { cpu } = (await import(name)) as { cpu: () => Promise<Backend> };
    return await cpu();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

import { ambient, during } from './ambient.js';
import type { Backend } from './backend.js';
import { checkBackend } from './checks/backends.js';
import { noteBackend } from './copies.js';
import { BackendError } from './errors.js';

/**
 * Chooses the backend on which tensors are created from now on; existing tensors stay where they
 * are.
 *
 * @example
 * ```ts
 * setBackend(await cpu());
 * ```
 * @param backend - what a backend package's factory resolves to
 * @throws BackendError when a promise (a forgotten `await`), an object that lacks a method, or
 *   anything else comes
 */
export function setBackend(backend: Backend): void {
  checkBackend('setBackend', 'backend', backend);
  ambient.backend.value = backend;
  noteBackend(backend.info.name);
}

/**
 * The backend on which tensors are created.
 *
 * @example
 * ```ts
 * getBackend().info.name; // 'cpu'
 * ```
 * @returns what `setBackend` was last given
 * @throws BackendError before the first `setBackend`
 */
export function getBackend(): Backend {
  const backend = ambient.backend.value;
  if (backend === undefined) {
    throw new BackendError(
      "no backend is set; install one, then `import { cpu } from '@rnn/backend-cpu'` and `setBackend(await cpu())`",
      { expected: 'a call of setBackend first' },
    );
  }
  return backend;
}

/** Runs a function with another backend as the current one. */
export function withBackend<R>(backend: Backend, fn: () => R): R {
  return during(ambient.backend, backend, fn);
}

import type { Backend } from './backend.js';
import { BackendError } from './errors.js';

let current: Backend | undefined;

/**
 * Chooses the backend on which tensors are created from now on; existing tensors stay where they are.
 *
 * @example
 * ```ts
 * setBackend(await cpu());
 * ```
 * @param backend - what a backend package's factory resolves to
 * @throws BackendError when a promise (a forgotten `await`), an object that lacks a method, or anything else comes
 */
export function setBackend(backend: Backend): void {
  checkBackend('setBackend', 'backend', backend);
  current = backend;
}

/** What every backend has, to tell one from something else. */
const required = [
  'upload',
  'fill',
  'read',
  'readSync',
  'release',
  'memory',
  'dispose',
  'unary',
  'binary',
  'select',
  'copy',
  'concat',
  'gather',
  'scatterAdd',
  'reduce',
  'matmul',
] as const satisfies readonly (keyof Backend)[];

/** Refuses what is not a backend, or an incomplete one, before anything relies on it. */
export function checkBackend(operation: string, argument: string, backend: Backend): void {
  const expected = 'a backend';
  const refuse = (received: string, advice: string): never => {
    throw new BackendError(`${operation}: ${argument} is ${received}, expected a backend; ${advice}`, {
      argument,
      expected,
      received,
    });
  };
  if (typeof backend !== 'object' || backend === null) {
    refuse(backend === null ? 'null' : typeof backend, 'one comes from a factory, as in `setBackend(await cpu())`');
  }
  if (typeof (backend as unknown as PromiseLike<unknown>).then === 'function')
    refuse('a promise', 'write `setBackend(await cpu())`');
  const missing = required.filter((method) => typeof backend[method] !== 'function');
  if (typeof backend.info?.name !== 'string' || missing.length === required.length) {
    refuse('an object', 'one comes from a factory, as in `setBackend(await cpu())`');
  }
  if (missing.length > 0)
    refuse(
      `'${backend.info.name}' without ${missing.join(', ')}`,
      'every method of the Backend interface but compile is required',
    );
}

/**
 * The backend on which tensors are created.
 *
 * @returns what `setBackend` was last given
 * @throws BackendError before the first `setBackend`
 */
export function getBackend(): Backend {
  if (current === undefined) {
    throw new BackendError(
      "no backend is set; install one, then `import { cpu } from '@rnn/backend-cpu'` and `setBackend(await cpu())`",
      { expected: 'a call of setBackend first' },
    );
  }
  return current;
}

/** Runs a function with another backend as the current one. */
export function withBackend<R>(backend: Backend, fn: () => R): R {
  const before = current;
  current = backend;
  try {
    return fn();
  } finally {
    current = before;
  }
}

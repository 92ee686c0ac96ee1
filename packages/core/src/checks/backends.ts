import type { Backend } from '../backend.js';
import type { DType } from '../dtype.js';
import { BackendError, DTypeError } from '../errors.js';
import { isPromise, refuse } from './refusal.js';

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

/** Backends that were found complete: a tensor may be made on one in the middle of a hot loop. */
const complete = new WeakSet<object>();

/**
 * Refuses what is no backend, or an incomplete one, before anything relies on it.
 *
 * @example
 * ```ts
 * checkBackend('MyLayer', 'backend', { info: 'none' });
 * // BackendError: ...
 * ```
 * @param operation - what was called, for the message
 * @param argument - the argument's name
 * @param backend - what came
 * @throws BackendError
 */
export function checkBackend(operation: string, argument: string, backend: unknown): asserts backend is Backend {
  const parts = (typeof backend === 'object' && backend !== null ? backend : {}) as Partial<Backend>;
  if (complete.has(parts)) return;
  const { info } = parts;
  const missing = required.filter((method) => typeof parts[method] !== 'function');
  if (typeof info?.name === 'string' && missing.length < required.length) {
    if (missing.length === 0) {
      complete.add(parts);
      return;
    }
    refuse(BackendError, operation, argument, {
      received: `'${info.name}' without ${missing.join(', ')}`,
      expected: 'a backend',
      hint: 'every method of the Backend interface but compile is required',
    });
  }
  const call = operation === 'setBackend' ? 'setBackend(await cpu())' : 'await cpu()';
  refuse(BackendError, operation, argument, {
    value: backend,
    expected: 'a backend',
    hint: isPromise(backend) ? `write \`${call}\`` : `one comes from a factory, as in \`${call}\``,
  });
}

/**
 * Refuses what is no element type, or one that the backend does not have; `advice` says what to do
 * about float64.
 *
 * @example
 * ```ts
 * checkSupported('load', 'float16', getBackend());
 * // DTypeError: ...
 * ```
 */
export function checkSupported(
  operation: string,
  dtype: unknown,
  backend: Backend,
  advice = "use dtype: 'float32'",
): asserts dtype is DType {
  const { name, dtypes } = backend.info;
  if (dtypes.includes(dtype as DType)) return;
  refuse(DTypeError, operation, 'dtype', {
    ...(typeof dtype === 'string' ? { received: dtype } : { value: dtype }),
    expected: `one of those that the backend '${name}' has: ${dtypes.join(', ')}`,
    ...(dtype === 'float64' && { hint: advice }),
  });
}

import { TraceError } from './errors.js';

/**
 * What a compiled function or loop does where it cannot be compiled: `'auto'` runs it by single operations, `'required'` throws, and
 * `'never'` does not try.
 */
export type CompileMode = 'required' | 'auto' | 'never';

let byDefault: CompileMode = 'auto';

/**
 * Sets the mode of everything that does not say which. `'required'` turns each silent fallback into an error: for tests, and to find out
 * what is slow.
 *
 * @example
 * ```ts
 * setCompileMode('required');
 * ```
 * @param mode - `'auto'` unless it was set
 * @returns the mode before
 */
export function setCompileMode(mode: CompileMode): CompileMode {
  const before = byDefault;
  byDefault = mode;
  return before;
}

/** The mode that holds, given what a call says. */
export function compileModeOf(asked: CompileMode | undefined): CompileMode {
  return asked ?? byDefault;
}

/** The error where something has to be compiled and cannot be. */
export function refuseEager(operation: string, reason: TraceError): never {
  throw new TraceError(
    `${operation}: compile is 'required', but the step cannot be compiled: ${reason.message}; change the step, or pass compile: 'auto' to run it by single operations`,
    {
      argument: 'compile',
      expected: 'a step that can be compiled',
      received: reason.message,
      cause: reason.cause ?? reason,
    },
  );
}

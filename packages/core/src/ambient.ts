/**
 * What holds for the code that runs now, besides its arguments: one record for the whole process, since the work is synchronous. Code reads
 * its fields; `during` is the one way to change a field for as long as a function runs.
 */
import type { Backend } from './backend.js';

/**
 * What a compiled function or loop does where it cannot be compiled: `'auto'` runs it by single operations, `'required'` throws, and
 * `'never'` does not try.
 */
export type CompileMode = 'required' | 'auto' | 'never';

interface Ambient {
  /** Where tensors are created; `undefined` before the first `setBackend`. */
  backend: Backend | undefined;
  /** Whether operations are recorded for `backward`. */
  recording: boolean;
  /** Whether results are searched for NaN. */
  checking: boolean;
  /** Whether a step is being traced, so that nothing may be computed, drawn or changed. */
  tracing: boolean;
  /** What replaces tensors where they are used (see `withStandIns`); of a type that lies above this file. */
  standIns: object | undefined;
  /** The innermost open scope (see `scope`); of a type that lies above this file. */
  scope: object | undefined;
  /** What is compiled where a call does not say. */
  compile: CompileMode;
}

export const ambient: Ambient = {
  backend: undefined,
  recording: true,
  checking: false,
  tracing: false,
  standIns: undefined,
  scope: undefined,
  compile: 'auto',
};

/** Runs a function while a field has another value. */
export function during<K extends keyof Ambient, R>(field: K, value: Ambient[K], fn: () => R): R {
  const before = ambient[field];
  ambient[field] = value;
  try {
    return fn();
  } finally {
    ambient[field] = before;
  }
}

/**
 * What holds for the code that runs now, besides its arguments: one record for the whole process,
 * since the work is synchronous. Code reads its settings; `during` is the one way to change one for
 * as long as a function runs.
 */
import type { Backend } from './backend.js';

/**
 * What a compiled function or loop does where it cannot be compiled: `'auto'` runs it by single
 * operations, `'required'` throws, and `'never'` does not try.
 */
export type CompileMode = 'required' | 'auto' | 'never';

/** One thing that holds now. */
export class Setting<T> {
  value: T;

  constructor(value: T) {
    this.value = value;
  }
}

interface Ambient {
  /** Where tensors are created; `undefined` before the first `setBackend`. */
  readonly backend: Setting<Backend | undefined>;
  /** Whether operations are recorded for `backward`. */
  readonly recording: Setting<boolean>;
  /**
   * What searches results for NaN, if anything does (see `anomaly`); of a type that lies above this
   * file.
   */
  readonly checking: Setting<object | undefined>;
  /** Whether a step is being traced, so that nothing may be computed, drawn or changed. */
  readonly tracing: Setting<boolean>;
  /**
   * What replaces tensors where they are used (see `withLiftedConstants`); of a type that lies
   * above this file.
   */
  readonly lifting: Setting<object | undefined>;
  /** The innermost open scope (see `scope`); of a type that lies above this file. */
  readonly scope: Setting<object | undefined>;
  /** What is compiled where a call does not say. */
  readonly compile: Setting<CompileMode>;
}

export const ambient: Ambient = {
  backend: new Setting<Backend | undefined>(undefined),
  recording: new Setting(true),
  checking: new Setting<object | undefined>(undefined),
  tracing: new Setting(false),
  lifting: new Setting<object | undefined>(undefined),
  scope: new Setting<object | undefined>(undefined),
  compile: new Setting<CompileMode>('auto'),
};

/** Runs a function while something else holds. */
export function during<T, R>(setting: Setting<T>, value: T, fn: () => R): R {
  const before = setting.value;
  setting.value = value;
  try {
    return fn();
  } finally {
    setting.value = before;
  }
}

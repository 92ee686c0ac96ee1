/** Rows or columns from one to another, which is not among them. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A module that a program was turned into. */
interface EmittedModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /**
   * Where the bytes lie in linear memory for the other threads, and the number by which those know
   * the module; 0 before they need it.
   */
  at: number;
  number: number;
}

/** A function that every thread has. */
export interface Entry {
  readonly name: 'run' | 'runMasked' | 'multiply';
  /** The module that exports it; the kernels if there is none. */
  readonly module: EmittedModule | undefined;
  /** The calling thread's own instance of it. */
  readonly call: (...args: number[]) => void;
}

/** Who computes: the calling thread, alone or with others. */
export interface Threads {
  readonly count: number;
  /**
   * The most shares that pay for so much work, in multiplications and additions; 1 if it is small.
   */
  sharesFor(work: number): number;
  /**
   * Calls a function once for each list of arguments, on any threads and in any order; returns when
   * all calls have returned.
   */
  run(entry: Entry, calls: readonly (readonly number[])[]): void;
  dispose(): void | Promise<void>;
}

/** The calling thread alone. */
export const oneThread: Threads = {
  count: 1,
  sharesFor: () => 1,
  run: ({ call }, calls) => {
    for (const args of calls) call(...args);
  },
  dispose: () => undefined,
};

/**
 * Cuts a range into at most `most` ranges of about the same size that begin at multiples of `unit`.
 */
export function cut(size: number, unit: number, most: number): Range[] {
  const units = Math.ceil(size / unit);
  const count = Math.max(1, Math.min(most, units));
  return Array.from({ length: count }, (_, i) => ({
    from: Math.floor((units * i) / count) * unit,
    to: Math.min(size, Math.floor((units * (i + 1)) / count) * unit),
  }));
}

import { checkCount, checkFlag, checkOptions } from '@rnn/core/checks';

/** The most threads of one backend. */
const MOST_THREADS = 64;

/** What `native` takes. */
export interface NativeOptions {
  /**
   * How many threads compute, the calling one included: from 1 to 64. By default as many as there
   * are cores, up to 8.
   */
  readonly threads?: number;
  /**
   * The same bits on every processor: without fused multiplication and addition, and without
   * registers that not all have. Any number of threads gives the same bits without it.
   */
  readonly deterministic?: boolean;
  /**
   * The most memory to take for tensors and what is computed with them, in bytes; by default all
   * that the process may have.
   */
  readonly maxBytes?: number;
}

const KNOWN: readonly string[] = ['threads', 'deterministic', 'maxBytes'] satisfies (keyof NativeOptions)[];

/** Refuses options that do not exist or make no sense. */
export function checkNativeOptions(options: NativeOptions): void {
  checkOptions('native', options, KNOWN);
  const { threads, deterministic, maxBytes } = options;
  if (threads !== undefined) checkCount('native', 'threads', threads, 1, MOST_THREADS);
  if (deterministic !== undefined) checkFlag('native', 'deterministic', deterministic);
  if (maxBytes !== undefined) checkCount('native', 'maxBytes', maxBytes, 2 ** 16, Number.MAX_SAFE_INTEGER);
}

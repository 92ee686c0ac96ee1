/**
 * The queue: words in shared memory over which the calling thread hands out work and workers take
 * it. The caller writes one record for each call of a job, then TICKET. Whoever is free takes the
 * last call that nobody has, by one compare-and-exchange of TICKET, the caller included: a worker
 * that is slow to wake, or gone, holds nobody up. Words that are written often are in different
 * cache lines.
 */

/**
 * Number of the job (24 bits) and how many of its calls nobody has taken yet (8 bits). Workers wait
 * for it to change.
 */
export const TICKET = 0;
/** Calls of the job that have returned. */
export const DONE = 32;
/** Length of MESSAGE if a call has failed in a worker. */
export const FAILED = 48;
/** Calls that workers have taken, all told. */
export const STEALS = 49;
/** Not 0: workers leave. */
export const STOP = 50;
/** Why a call failed: a character a word. */
export const MESSAGE = 64;
export const MESSAGE_LENGTH = 192;
/**
 * Records, RECORD words each: where the bytes of the module lie, how many they are and its number
 * (0: the kernels), the function, its arguments, of which there is room for 16.
 */
export const RECORDS = 256;
export const RECORD = 20;
export const ARGUMENTS = 4;
/** The most calls that a job may have: one for each thread. */
export const MOST_CALLS = 64;

export const QUEUE_BYTES: number = (RECORDS + RECORD * MOST_CALLS) * 4;

/**
 * The functions that a record may name by their number: of the kernels, or of a module that a
 * program was turned into.
 */
export const FUNCTIONS = ['multiply', 'run', 'runMasked'] as const;

/**
 * Reads of a word before a thread goes to sleep, some 50 microseconds. Waking takes as long, and
 * jobs come in bursts: a training step has a dozen, a few microseconds of JavaScript apart.
 */
export const SPINS = 2000;

/** What a worker gets to begin with. */
export interface Start {
  readonly memory: WebAssembly.Memory;
  /** The kernels. */
  readonly module: WebAssembly.Module;
  /** Address of the queue. */
  readonly queue: number;
}

/** How the caches of the compiler are doing. */

/** What `compileCacheInfo` gives. */
export interface CompileCacheInfo {
  /**
   * Calls of `scan`, layers and compiled functions: those that an earlier trace served, and those
   * that called the step on symbols.
   */
  readonly traces: { readonly hits: number; readonly misses: number };
  /**
   * Traced steps: those that found programs of a step that does the same, and those for which
   * programs were made.
   */
  readonly programs: { readonly hits: number; readonly misses: number };
}

const traces = { hits: 0, misses: 0 };
const programs = { hits: 0, misses: 0 };

export function countTrace(isHit: boolean): void {
  if (isHit) traces.hits++;
  else traces.misses++;
}

export function countPrograms(areKnown: boolean): void {
  if (areKnown) programs.hits++;
  else programs.misses++;
}

/**
 * How often calls were served by what the compiler remembers, since the process started. A step
 * that misses at every call is traced at every call: give it what it works with as `parameters`, or
 * call `explain`.
 *
 * @example
 * ```ts
 * const before = compileCacheInfo().traces.misses;
 * layer.forward(x);
 * compileCacheInfo().traces.misses - before;   // 1 at the first call, then 0
 * ```
 * @returns hits and misses of traces and of programs
 *
 * Differs from PyTorch: `torch._dynamo.utils.counters` there says such things.
 */
export function compileCacheInfo(): CompileCacheInfo {
  return { traces: { ...traces }, programs: { ...programs } };
}

import type { Backend } from '@rnn/core';
import type { Pool, Tuning } from '../src/threads/pool.js';

/** Workers take calls of any size, and are given the time to. */
export const eager: Tuning = { leastWork: 1, timeout: 10_000, longestWait: 60_000 };

/** The threads of a backend with several. */
export function poolOf(backend: Backend): Pool {
  return (backend as unknown as { readonly helpers: { readonly threads: Pool } }).helpers.threads;
}

/** How many calls a backend's workers have taken. */
export function helpedBy(backend: Backend): number {
  return poolOf(backend).helped;
}

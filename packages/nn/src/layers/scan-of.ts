import { scan } from '@rnn/core';

/**
 * Gives the `scan` of a layer or cell, by its parameters' suffix (`_l0`) and what its step taps.
 */
export type ScanFor = (owner: object, suffix: string, taps: readonly string[]) => typeof scan;

const usual: ScanFor = () => scan;

let chosen = usual;

/** The `scan` of a layer: core's, unless states are observed. */
export function scanOf(owner: object, suffix: string, taps: readonly string[]): typeof scan {
  return chosen(owner, suffix, taps);
}

/** Whether layers run by other scans than core's, so that each has to be called. */
export function isObserving(): boolean {
  return chosen !== usual;
}

/** Runs `fn` with other scans. */
export function withScans<R>(scans: ScanFor, fn: () => R): R {
  const before = chosen;
  chosen = scans;
  try {
    return fn();
  } finally {
    chosen = before;
  }
}

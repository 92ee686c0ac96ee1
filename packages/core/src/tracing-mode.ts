import { TraceError } from './errors.js';

let tracing = false;

/** Runs a function in which nothing may be computed, drawn or changed: a step is being traced. */
export function whileTracing<R>(fn: () => R): R {
  const before = tracing;
  tracing = true;
  try {
    return fn();
  } finally {
    tracing = before;
  }
}

/** Ends a trace in which the step does what cannot be recorded. */
export function refuseTracing(what: string): void {
  if (tracing) throw new TraceError(`the step ${what}`);
}

/** Whether a step is being traced. */
export function isTracing(): boolean {
  return tracing;
}

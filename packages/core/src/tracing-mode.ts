import { ambient, during } from './ambient.js';
import { TraceError } from './errors.js';

/** Runs a function in which nothing may be computed, drawn or changed: a step is being traced. */
export function whileTracing<R>(fn: () => R): R {
  return during(ambient.tracing, true, fn);
}

/** Ends a trace in which the step does what cannot be recorded. */
export function refuseTracing(what: string): void {
  if (ambient.tracing.value) throw new TraceError(`the step ${what}`);
}

/** Whether a step is being traced. */
export function isTracing(): boolean {
  return ambient.tracing.value;
}

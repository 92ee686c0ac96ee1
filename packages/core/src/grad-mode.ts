import { ambient, during } from './ambient.js';
import { synchronous } from './checks/refusal.js';
import { checkFunction } from './checks/values.js';
import { originChecks, type ResultChecks } from './non-finite-origins.js';

/**
 * Whether operations are being recorded for `backward`: true unless `noGrad` says otherwise.
 *
 * @example
 * ```ts
 * noGrad(() => isGradEnabled()); // false
 * ```
 */
export function isGradEnabled(): boolean {
  return ambient.recording.value;
}

/** Whether results are being searched for NaN. */
export function isAnomalyEnabled(): boolean {
  return ambient.checking.value !== undefined;
}

/**
 * What searches results for NaN, if anything does. `anomaly` brings it along, so that a page that
 * never calls that does not load it.
 */
export function resultChecks(): ResultChecks | undefined {
  return ambient.checking.value as ResultChecks | undefined;
}

/**
 * Runs a function without recording: results need no gradient and keep nothing alive. For
 * evaluation and serving.
 *
 * @example
 * ```ts
 * const w = tensor([1, 2], { requiresGrad: true });
 * noGrad(() => w.mul(2)).requiresGrad;   // false
 * ```
 * @param fn - a synchronous function
 * @returns what `fn` returned
 * @throws ArgumentError when `fn` returns a promise
 */
export function noGrad<R>(fn: () => R): R {
  checkFunction('noGrad', 'fn', fn);
  return synchronous('noGrad', during(ambient.recording, false, fn));
}

/**
 * Runs a function with recording on, also inside `noGrad`.
 *
 * @example
 * ```ts
 * noGrad(() => enableGrad(() => isGradEnabled()));   // true
 * ```
 * @param fn - a synchronous function
 * @returns what `fn` returned
 * @throws ArgumentError when `fn` returns a promise
 */
export function enableGrad<R>(fn: () => R): R {
  checkFunction('enableGrad', 'fn', fn);
  return synchronous('enableGrad', withRecording(true, fn));
}

export function withRecording<R>(on: boolean, fn: () => R): R {
  return during(ambient.recording, on, fn);
}

/**
 * Runs a function in which the first NaN is an error that names the operation which made it,
 * forward or backward, or to which it came with the data. An Infinity is no error by itself, but
 * where a NaN or an infinite loss comes of it, the error says which operation made it, or that it
 * came with the data. Slow, since every result is read: for finding out why a training broke.
 *
 * @example
 * ```ts
 * anomaly(() => log(tensor([1, -1]))); // AnomalyError: log: the first NaN arose here, at element 1 ...
 * ```
 * @param fn - a synchronous function
 * @returns what `fn` returned
 * @throws AnomalyError at the first NaN, or when `backward` is called on an infinite number; its
 *   `operation` is the name of the operation, or `derivative of ...` in a backward pass;
 *   BackendError where the backend cannot read without waiting
 *
 * Differs from PyTorch: `detect_anomaly` there looks at derivatives only.
 */
export function anomaly<R>(fn: () => R): R {
  checkFunction('anomaly', 'fn', fn);
  return synchronous('anomaly', during(ambient.checking, originChecks, fn));
}

/** Runs a function whose results are not searched. */
export function withoutChecking<R>(fn: () => R): R {
  return during(ambient.checking, undefined, fn);
}

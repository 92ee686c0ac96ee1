/** Switches of the recording, global to the process as the work is synchronous. */
let recording = true;
let checking = false;

/** Whether operations are being recorded for `backward`. */
export function isGradEnabled(): boolean {
  return recording;
}

/** Whether results are being searched for NaN. */
export function isAnomalyEnabled(): boolean {
  return checking;
}

/**
 * Runs a function without recording: results need no gradient and keep nothing alive. For evaluation and serving.
 *
 * @example
 * ```ts
 * const logits = noGrad(() => model.forward(x));
 * ```
 * @param fn - a synchronous function
 * @returns what `fn` returned
 */
export function noGrad<R>(fn: () => R): R {
  return withRecording(false, fn);
}

/** Runs a function with recording on, also inside `noGrad`. */
export function enableGrad<R>(fn: () => R): R {
  return withRecording(true, fn);
}

export function withRecording<R>(on: boolean, fn: () => R): R {
  const before = recording;
  recording = on;
  try {
    return fn();
  } finally {
    recording = before;
  }
}

/**
 * Runs a function in which the first NaN is an error that names the operation which made it, forward or backward. Slow, since every
 * result is read: for finding out why a training broke. (PyTorch's `detect_anomaly` looks at derivatives only.)
 *
 * @example
 * ```ts
 * anomaly(() => model.forward(x).log().sum().backward());   // AnomalyError: log: ... first NaN ...
 * ```
 * @param fn - a synchronous function
 * @returns what `fn` returned
 * @throws AnomalyError at the first NaN that arises from operands without one
 */
export function anomaly<R>(fn: () => R): R {
  return withChecking(true, fn);
}

export function withChecking<R>(on: boolean, fn: () => R): R {
  const before = checking;
  checking = on;
  try {
    return fn();
  } finally {
    checking = before;
  }
}

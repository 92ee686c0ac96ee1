import { copiesNote } from './copies.js';

/**
 * Every mistake that the library reports is one of these classes. `code` is stable within a major
 * version; the wording is not.
 * The class says what kind of mistake it is, the message says what was expected, what came, which
 * argument, and what to do.
 */

/** What an error can say in a form that programs read. */
export interface ErrorDetails {
  /** The argument (or option) at fault. */
  readonly argument?: string;
  /** What would have been right. */
  readonly expected?: string;
  /** What came instead. */
  readonly received?: string;
  /** A finer code than the class's own. */
  readonly code?: string;
  readonly cause?: unknown;
}

/**
 * The base of all errors of the library.
 *
 * @example
 * ```ts
 * try { tensor([1, 2]).matmul(tensor([1, 2, 3])); }
 * catch (error) { if (error instanceof RnnError) console.log(error.code); }   // ERR_SHAPE
 * ```
 */
export class RnnError extends Error {
  readonly code: string;
  readonly argument: string | undefined;
  readonly expected: string | undefined;
  readonly received: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(`${message}${copiesNote()}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'RnnError';
    this.code = details.code ?? code;
    this.argument = details.argument;
    this.expected = details.expected;
    this.received = details.received;
  }
}

/**
 * An argument has a value that the call cannot take (`ERR_ARGUMENT`).
 *
 * @example
 * ```ts
 * softmax(zeros([2, 3]), 2);
 * // ArgumentError: softmax: dim is 2, expected a whole number from -2 to 1
 * ```
 */
export class ArgumentError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_ARGUMENT', message, details);
    this.name = 'ArgumentError';
  }
}

/**
 * Shapes do not fit together, or not the operation (`ERR_SHAPE`).
 *
 * @example
 * ```ts
 * matmul(zeros([2, 3]), zeros([2, 3]));
 * // ShapeError: ...
 * ```
 */
export class ShapeError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_SHAPE', message, details);
    this.name = 'ShapeError';
  }
}

/**
 * Element types do not fit: mixed ones (`ERR_MIXED_DTYPES`), or one that the operation or the
 * backend does not have (`ERR_DTYPE`).
 *
 * @example
 * ```ts
 * add(tensor([1, 2]), tensor([1, 2], { dtype: 'int32' }));
 * // DTypeError: ...
 * ```
 */
export class DTypeError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_DTYPE', message, details);
    this.name = 'DTypeError';
  }
}

/**
 * No backend, one that cannot do what was asked (`ERR_BACKEND`), or tensors of two backends in one
 * operation (`ERR_MIXED_BACKENDS`).
 *
 * @example
 * ```ts
 * const [here, there] = [await cpu(), await cpu()];
 * add(zeros([2], { backend: here }), zeros([2], { backend: there }));
 * // BackendError: ...
 * ```
 */
export class BackendError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_BACKEND', message, details);
    this.name = 'BackendError';
  }
}

/**
 * A backend ran out of the memory that it may use (`ERR_MEMORY`).
 *
 * @example
 * ```ts
 * try {
 *   model.forward(batch);
 * } catch (error) {
 *   if (!(error instanceof MemoryLimitError)) throw error;
 *   for (const part of split(batch, 8, 1)) model.forward(part); // in smaller pieces
 * }
 * ```
 */
export class MemoryLimitError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_MEMORY', message, details);
    this.name = 'MemoryLimitError';
  }
}

/**
 * The device was taken away (`ERR_DEVICE_LOST`): a driver restarted, a browser reclaimed a graphics
 * context. What it stored is gone; a new backend works, and takes a model from its last state dict.
 *
 * @example
 * ```ts
 * const saved = model.stateDict();
 * try {
 *   await fit(model, data, options);
 * } catch (error) {
 *   if (!(error instanceof DeviceLostError)) throw error;
 *   setBackend(await gpu()); // what lay on the device is gone: go on from what was saved
 * }
 * ```
 */
export class DeviceLostError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_DEVICE_LOST', message, details);
    this.name = 'DeviceLostError';
  }
}

/**
 * A tensor was used after it was disposed of (`ERR_DISPOSED`).
 *
 * @example
 * ```ts
 * const x = tensor([1, 2]);
 * x.dispose();
 * x.add(1);
 * // DisposedError: ...
 * ```
 */
export class DisposedError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_DISPOSED', message, details);
    this.name = 'DisposedError';
  }
}

/**
 * The derivative that was asked for does not exist (`ERR_AUTOGRAD`).
 *
 * @example
 * ```ts
 * tensor([1, 2]).backward();
 * // AutogradError: ...
 * ```
 */
export class AutogradError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_AUTOGRAD', message, details);
    this.name = 'AutogradError';
  }
}

/**
 * The anomaly mode met a NaN (`ERR_ANOMALY`); `operation` is where the first one arose.
 *
 * @example
 * ```ts
 * detectAnomaly(true);
 * log(zeros([2], { requiresGrad: true }).sub(1)); // NaN
 * // AnomalyError: ...
 * detectAnomaly(false);
 * ```
 */
export class AnomalyError extends RnnError {
  readonly operation: string;

  constructor(operation: string, message: string, details: ErrorDetails = {}) {
    super('ERR_ANOMALY', message, details);
    this.name = 'AnomalyError';
    this.operation = operation;
  }
}

/**
 * A state dict does not fit the module (`ERR_STATE_DICT`).
 *
 * @example
 * ```ts
 * new Linear(2, 1).loadStateDict({ weight: zeros([1, 2]) });
 * // StateDictError: ...
 * ```
 */
export class StateDictError extends RnnError {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];

  constructor(
    message: string,
    details: ErrorDetails & { readonly missing?: readonly string[]; readonly unexpected?: readonly string[] } = {},
  ) {
    super('ERR_STATE_DICT', message, details);
    this.name = 'StateDictError';
    this.missing = details.missing ?? [];
    this.unexpected = details.unexpected ?? [];
  }
}

/**
 * A file or its bytes are not what they claim to be (`ERR_FORMAT`).
 *
 * @example
 * ```ts
 * fromTensorJSON({ shape: [2], dtype: 'float32', data: [1] });
 * // FormatError: ...
 * ```
 */
export class FormatError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_FORMAT', message, details);
    this.name = 'FormatError';
  }
}

/**
 * What was asked for cannot be recorded as a program (`ERR_TRACE`); the step then runs eagerly.
 *
 * @example
 * ```ts
 * const step = (x: Tensor, h: Tensor): [Tensor, Tensor] => [x, x.sum().item() > 0 ? h.add(x) : h];
 * scan(step, ones([3, 2]), zeros([2]), { compile: 'required' });
 * // TraceError: ...
 * ```
 */
export class TraceError extends RnnError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ERR_TRACE', message, details);
    this.name = 'TraceError';
  }
}

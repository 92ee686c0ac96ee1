import { ArgumentError, type ErrorDetails, type RnnError } from '../errors.js';

/** Why an argument is refused. */
export interface Refusal extends Pick<ErrorDetails, 'argument' | 'code' | 'cause'> {
  /** What came, as it is: `shown` puts it into words. */
  readonly value?: unknown;
  /** What came, in words, in the place of `value`: "the result of a recorded operation". */
  readonly received?: string;
  /**
   * The property that was wrong, such as shape or rank: "x has shape [2], ..." in the place of "x
   * is ...".
   */
  readonly has?: string;
  /** The part of the argument that was wrong: "element 3" gives "element 3 of values is ...". */
  readonly part?: string;
  /** What would have been right: "a whole number from 1 up". */
  readonly expected: string;
  /** What to do: "convert with .to('float32')". */
  readonly hint?: string;
  /** Names that a state dict lacks. */
  readonly missing?: readonly string[];
  /** Names in a state dict that nobody knows. */
  readonly unexpected?: readonly string[];
}

/** A class of error that a refusal can be. */
export type RefusalClass = new (message: string, details: ErrorDetails) => RnnError;

/**
 * The one builder of messages about arguments:
 * `Operation: argument is RECEIVED, expected EXPECTED; HINT`.
 *
 * @example
 * ```ts
 * refuse(ArgumentError, 'Linear', 'inFeatures', {
 *   value: 0.5,
 *   expected: 'a whole number from 1 up',
 * });
 * // ArgumentError: Linear: inFeatures is 0.5, expected a whole number from 1 up
 * ```
 * @param kind - the class of the error
 * @param operation - the function, method or class that was called
 * @param argument - the argument, option or property at fault
 * @param refusal - what came, what would have been right, what to do; `argument` where the error's
 *   field is to say another name than the message
 * @throws always an error of that class, with the same in its fields
 */
export function refuse(kind: RefusalClass, operation: string, argument: string, refusal: Refusal): never {
  const { value, received = describeValue(value), has, part, expected, hint = hintFor(value), ...details } = refusal;
  const what = has === undefined ? `is ${received}` : `has ${has} ${received}`;
  const advice = hint === undefined ? '' : `; ${hint}`;
  const subject = part === undefined ? argument : `${part} of ${argument}`;
  throw new kind(`${operation}: ${subject} ${what}, expected ${expected}${advice}`, {
    argument,
    ...details,
    expected,
    received,
  });
}

/** What is nearly always wrong with such a value, whatever it was given for. */
function hintFor(value: unknown): string | undefined {
  return isPromise(value) ? 'write await before it' : undefined;
}

/**
 * Whether a value is to be awaited.
 *
 * @example
 * ```ts
 * isPromise(Promise.resolve(1)); // true
 * ```
 */
export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && typeof (value as PromiseLike<unknown>).then === 'function';
}

/**
 * Whether a value can be gone through by `for ... of`; a text is no list of anything here.
 *
 * @example
 * ```ts
 * isIterable(new Set([1])); // true
 * isIterable('text'); // false
 * ```
 */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value;
}

/**
 * Refuses the result of an asynchronous function where a switch is turned or tensors are freed when
 * it returns: its later parts would run after that.
 *
 * @param operation - what was called, for the message
 * @param result - what its function returned
 * @returns the same
 * @throws ArgumentError for a promise
 */
export function synchronous<R>(operation: string, result: R): R {
  if (!isPromise(result)) return result;
  refuse(ArgumentError, operation, 'fn', {
    part: 'the result',
    received: 'a promise',
    expected: 'a synchronous function',
    hint: `${operation} ends when it returns, so \`await\` outside of it`,
  });
}

/**
 * A value as messages name it.
 *
 * @example
 * ```ts
 * shown('lr');          // 'lr'
 * shown([1, 2]);        // an array of 2
 * shown(zeros([2]));    // a Tensor of shape [2]
 * ```
 * @param value - anything
 * @returns a few words; long texts are cut
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return `'${value.length > 40 ? `${value.slice(0, 40)}...` : value}'`;
    case 'bigint':
      return `the BigInt ${value}n`;
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    case 'object':
      return value === null ? 'null' : shownObject(value);
    default:
      return String(value);
  }
}

function shownObject(value: object): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : `an array of ${value.length}`;
  if (isPromise(value)) return 'a promise';
  const shape: unknown = Reflect.get(value, 'shape');
  if (Array.isArray(shape) && 'dtype' in value) return `a Tensor of shape [${shape.join(', ')}]`;
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return tag === 'Object' ? 'an object' : `${/^[AEIO]/.test(tag) ? 'an' : 'a'} ${tag}`;
}

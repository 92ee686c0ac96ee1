import {
  ArgumentError,
  asTypedArray,
  fromData,
  type JsonNumber,
  noGrad,
  sameShape,
  scope,
  type Shape,
  showShape,
  sizeOf,
  StateDictError,
  Tensor,
  to,
  type TypedArray,
} from '@rnn/core';
import { isPromise, refuse, describeValue } from '@rnn/core/checks';

/** Parameters and buffers by their full names, as PyTorch names them: `rnn.weight_ih_l0`. */
export type StateDict = Record<string, Tensor>;

/**
 * Numbers on the host, in row-major order: what a file or a message makes of a tensor, and what
 * `toJSON` gives.
 */
export interface HostArray {
  readonly shape: Shape;
  /** Numbers; in a list also the texts that stand for those that JSON lacks. */
  readonly data: TypedArray | readonly JsonNumber[];
}

/** What a state dict can be loaded from. */
export type StateSource = Readonly<Record<string, Tensor | HostArray>>;

export interface LoadOptions {
  /**
   * `false` lets entries be missing or left over; entries of a wrong shape are refused all the
   * same.
   */
  readonly strict?: boolean;
}

/** Which names did not match. */
export interface LoadReport {
  /** Names that the module has and the state dict has not. */
  readonly missing: readonly string[];
  /** Names that the state dict has and the module has not. */
  readonly unexpected: readonly string[];
}

/**
 * Copies a state dict into tensors, all of it or, on any mistake, nothing.
 *
 * @param owner - whose tensors these are, for the message
 * @param targets - parameters and buffers by name
 * @param source - what to load; converted to each target's floating type and backend
 * @param strict - whether every name has to match
 * @returns what did not match
 * @throws StateDictError that names every missing, unexpected and unfitting entry at once
 */
export function loadState(
  owner: string,
  targets: ReadonlyMap<string, Tensor>,
  source: StateSource,
  strict: boolean,
): LoadReport {
  if (typeof source !== 'object' || source === null || isPromise(source)) {
    refuse(ArgumentError, 'loadStateDict', 'tensors', { value: source, expected: 'an object of tensors by name' });
  }
  const given = [...targets].filter(([name]) => Object.hasOwn(source, name));
  // A parameter under two names has its values if one of them is there.
  const reached = new Set(given.map(([, target]) => target));
  const missing = [...targets].flatMap(([name, target]) => (reached.has(target) ? [] : [name]));
  const unexpected = Object.keys(source).filter((name) => !targets.has(name));
  const unfitting = given.flatMap(([name, target]) => {
    const mistake = misfit(target, source[name]);
    return mistake === undefined ? [] : [`${name} ${mistake}`];
  });
  if (unfitting.length === 0) unfitting.push(...disagreements(given, source));
  const complaints = [
    ...(strict && missing.length > 0 ? [`missing: ${missing.join(', ')}`] : []),
    ...(strict && unexpected.length > 0 ? [`unexpected: ${unexpected.join(', ')}`] : []),
    ...(unfitting.length > 0 ? [`unfitting: ${unfitting.join('; ')}`] : []),
  ];
  if (complaints.length > 0) {
    refuse(StateDictError, 'loadStateDict', 'tensors', {
      received: `no state dict of ${owner} (${complaints.join('; ')})`,
      expected: 'every name and shape to fit',
      hint: 'nothing was loaded',
      missing,
      unexpected,
    });
  }
  noGrad(() =>
    scope(() => {
      // Everything that can fail comes before the first copy.
      const values = given.map(([name, target]) => placed(source[name], target));
      given.forEach(([, target], i) => void target.copy_(values[i]));
    }),
  );
  return { missing, unexpected };
}

/** The same values in the type and on the backend of a target. */
function placed(value: Tensor | HostArray, { dtype, backend }: Tensor): Tensor {
  if (value instanceof Tensor) return to(to(value, dtype), backend);
  return fromData(numbersOf(value), value.shape, { dtype, backend });
}

function numbersOf({ data }: HostArray): TypedArray | number[] {
  return asTypedArray('loadStateDict', 'data', data) ?? Array.from(data as readonly JsonNumber[], Number);
}

/** Names of one parameter whose values differ: which of them is right, nobody can say. */
function disagreements(given: readonly (readonly [string, Tensor])[], source: StateSource): string[] {
  const firsts = new Map<Tensor, string>();
  return given.flatMap(([name, target]) => {
    const first = firsts.get(target);
    if (first === undefined) firsts.set(target, name);
    if (first === undefined || agree(source[first], source[name])) return [];
    return [`${name} differs from ${first}, and both are names of one parameter`];
  });
}

function agree(a: Tensor | HostArray, b: Tensor | HostArray): boolean {
  if (a instanceof Tensor && b instanceof Tensor && a.storage === b.storage) return true;
  const [left, right] = [a, b].map((value) => (value instanceof Tensor ? value.dataSync() : numbersOf(value)));
  return left.every((value, i) => Object.is(value, right[i]));
}

/** What is wrong with an entry for a target, if anything. */
function misfit(target: Tensor, value: unknown): string | undefined {
  if (!(value instanceof Tensor)) return misfitOfArray(target, value);
  if (value.isDisposed) return 'was disposed of';
  if (!sameShape(value.shape, target.shape)) {
    return `has shape ${showShape(value.shape)}, expected ${showShape(target.shape)}`;
  }
  if ((value.dtype === 'int32') !== (target.dtype === 'int32')) return `is ${value.dtype}, expected ${target.dtype}`;
  return undefined;
}

function misfitOfArray(target: Tensor, value: unknown): string | undefined {
  const { shape, data } = (value ?? {}) as Partial<HostArray>;
  if (!Array.isArray(shape) || typeof data !== 'object')
    return `is ${describeValue(value)}, expected a Tensor or { shape, data }`;
  if (!sameShape(shape, target.shape)) return `has shape ${showShape(shape)}, expected ${showShape(target.shape)}`;
  const numbers = numbersOf({ shape, data });
  if (numbers.length !== sizeOf(shape)) return `has ${numbers.length} numbers for shape ${showShape(shape)}`;
  if (!Array.isArray(data)) {
    const isWhole = numbers instanceof Int32Array;
    return isWhole === (target.dtype === 'int32')
      ? undefined
      : `holds ${isWhole ? 'int32' : 'floating numbers'}, expected ${target.dtype}`;
  }
  const odd = data.findIndex((item) => typeof item !== 'number' && !/^(NaN|-?Infinity|-0)$/.test(String(item)));
  return odd < 0 ? undefined : `has ${describeValue(data[odd])} at ${odd}, expected numbers`;
}

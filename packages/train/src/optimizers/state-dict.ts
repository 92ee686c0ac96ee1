import { detach, fromData, scope, StateDictError, Tensor, to } from '@rnn/core';
import { describeValue } from '@rnn/core/checks';
import type { HostArray } from '../host-array.js';
import { fromJSONNumber } from '../json-numbers.js';
import { scheduledNames } from './param-group.js';

/** What an optimiser keeps for one parameter. */
export interface ParamStateDict<T = Tensor> {
  /** Steps done for this parameter. */
  readonly step: number;
  /** Its tensors by name, each of the parameter's shape. */
  readonly tensors: Readonly<Record<string, T>>;
}

/**
 * A group's options, with its parameters as positions in the order in which the optimiser was given
 * them.
 */
export type GroupStateDict<O> = { readonly params: readonly number[] } & Readonly<Record<string, unknown>> & Partial<O>;

/**
 * All that an optimiser knows beyond the parameters themselves: plain objects, numbers and tensors.
 */
export interface OptimizerStateDict<O = object, T = Tensor> {
  /** By a parameter's position; a parameter that never had a gradient has none. */
  readonly state: Readonly<Record<string, ParamStateDict<T>>>;
  readonly paramGroups: readonly GroupStateDict<O>[];
}

/** A checked entry: steps done, and tensors by name. */
export interface LoadedState {
  readonly step: number;
  readonly tensors: ReadonlyMap<string, Tensor | HostArray>;
}

/** Refuses a state dict that does not fit; says where. */
export function refuse(
  owner: string,
  what: string,
  details: { missing?: string[]; unexpected?: string[] } = {},
): never {
  throw new StateDictError(`${owner}: the state dict ${what}`, { argument: 'stateDict', ...details });
}

/** The options of `paramGroups`, copies, after every group was compared with the optimiser's. */
export function checkedGroups(
  owner: string,
  saved: readonly unknown[],
  sizes: readonly number[],
  known: readonly string[],
): Record<string, unknown>[] {
  if (saved.length !== sizes.length) {
    refuse(owner, `has ${saved.length} parameter groups, but the optimiser has ${sizes.length}`);
  }
  return saved.map((group, i) => {
    if (!isRecord(group) || !Array.isArray(group.params)) {
      refuse(owner, `has paramGroups[${i}] that is not { params, lr, ... }`);
    }
    const { params, ...options } = group;
    const { length } = params as unknown[];
    if (length !== sizes[i]) {
      refuse(owner, `has ${length} parameters in paramGroups[${i}], but the optimiser has ${sizes[i]} there`);
    }
    const missing = known.filter((key) => !Object.hasOwn(options, key)).map((key) => `paramGroups[${i}].${key}`);
    const unexpected = Object.keys(options)
      .filter((key) => !known.includes(key) && !(scheduledNames as readonly string[]).includes(key))
      .map((key) => `paramGroups[${i}].${key}`);
    if (missing.length > 0 || unexpected.length > 0) {
      refuse(owner, `lacks [${missing.join(', ')}] and has [${unexpected.join(', ')}] that ${owner} does not know`, {
        missing,
        unexpected,
      });
    }
    return structuredClone(options);
  });
}

/** The entries of `state`, by position, after every one was checked against its parameter. */
export function checkedStates(
  owner: string,
  dict: OptimizerStateDict<object, Tensor | HostArray>,
  params: readonly Tensor[],
  slotsOf: (position: number) => readonly string[],
): Map<number, LoadedState> {
  const loaded = new Map<number, LoadedState>();
  for (const [key, entry] of Object.entries(dict.state)) {
    const position = Number(key);
    const param = params[position];
    if (param === undefined) {
      refuse(owner, `has state for parameter ${key}, but the optimiser has ${params.length} parameters`, {
        unexpected: [`state.${key}`],
      });
    }
    if (!isRecord(entry) || !Number.isSafeInteger(entry.step) || entry.step < 0 || !isRecord(entry.tensors)) {
      refuse(owner, `has state.${key} that is not { step, tensors }`);
    }
    const known = slotsOf(position);
    const unexpected = Object.keys(entry.tensors).filter((name) => !known.includes(name));
    if (unexpected.length > 0) {
      refuse(
        owner,
        `has ${unexpected.join(', ')} for parameter ${key}, but the optimiser keeps ${known.join(', ') || 'nothing'} under these options`,
        { unexpected: unexpected.map((name) => `state.${key}.tensors.${name}`) },
      );
    }
    const missing = known.filter((name) => !Object.hasOwn(entry.tensors, name));
    if (missing.length > 0) {
      refuse(owner, `lacks ${missing.join(', ')} for parameter ${key}`, {
        missing: missing.map((name) => `state.${key}.tensors.${name}`),
      });
    }
    for (const [name, value] of Object.entries(entry.tensors))
      checkTensor(owner, `state.${key}.tensors.${name}`, value, param);
    loaded.set(position, { step: entry.step, tensors: new Map(Object.entries(entry.tensors)) });
  }
  return loaded;
}

function checkTensor(owner: string, name: string, value: unknown, param: Tensor): void {
  const isTensor = value instanceof Tensor;
  if (!isTensor && !isHostArray(value)) {
    refuse(owner, `has ${name} that is neither a tensor nor { shape, data }`);
  }
  if (isTensor && value.isDisposed) refuse(owner, `has ${name} that was disposed of`);
  const { shape } = value;
  if (shape.length !== param.shape.length || shape.some((size, i) => size !== param.shape[i])) {
    refuse(owner, `has ${name} of shape [${shape.join(', ')}], expected the parameter's, [${param.shape.join(', ')}]`);
  }
  if (isTensor) return;
  if (value.data.length !== param.size) {
    refuse(owner, `has ${name} with ${value.data.length} numbers for shape [${shape.join(', ')}]`);
  }
  const odd = Array.isArray(value.data) ? value.data.findIndex((item) => typeof fromJSONNumber(item) !== 'number') : -1;
  if (odd >= 0) {
    refuse(
      owner,
      `has ${name} with ${describeValue(value.data[odd])} at ${odd}, expected numbers, or 'NaN', 'Infinity' and '-Infinity' for those that JSON lacks`,
    );
  }
}

/** A state dict whose tensors are read into lists, as plain values. */
export function withHostArrays(dict: OptimizerStateDict): OptimizerStateDict<object, HostArray> {
  const state = Object.entries(dict.state).map(([key, { step, tensors }]): [string, ParamStateDict<HostArray>] => {
    const lists = Object.entries(tensors).map(([name, tensor]): [string, HostArray] => [
      name,
      { shape: tensor.shape, data: Array.from(tensor.dataSync()) },
    ]);
    return [key, { step, tensors: Object.fromEntries(lists) }];
  });
  return { state: Object.fromEntries(state), paramGroups: dict.paramGroups };
}

/** The same values on a parameter's backend and of its type, under a handle of their own. */
export function placed(value: Tensor | HostArray, param: Tensor): Tensor {
  const { dtype, backend } = param;
  if (!(value instanceof Tensor)) {
    const data = Array.isArray(value.data) ? value.data.map(fromJSONNumber) : value.data;
    return fromData(data as HostArray['data'], value.shape, { dtype, backend });
  }
  return scope(() => to(to(detach(value), backend), dtype));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function isHostArray(value: unknown): value is HostArray {
  if (!isRecord(value)) return false;
  const { shape, data } = value;
  return Array.isArray(shape) && (Array.isArray(data) || ArrayBuffer.isView(data));
}

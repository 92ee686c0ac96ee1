import { ArgumentError, Tensor } from '@rnn/core';
import { withDefaults } from '../option-checks.js';

/** What every optimiser has. */
export interface OptimizerOptions {
  /** Learning rate: the size of a step. */
  lr: number;
  /** Whether to climb instead of to descend. */
  maximize: boolean;
}

/** What schedules write into a group, under the names that PyTorch uses; saved with the optimiser's state. */
export interface ScheduledValues {
  initialLr?: number;
  maxLr?: number;
  minLr?: number;
  maxMomentum?: number;
  baseMomentum?: number;
}

export const scheduledNames: readonly (keyof ScheduledValues)[] = [
  'initialLr',
  'maxLr',
  'minLr',
  'maxMomentum',
  'baseMomentum',
];

/** Parameters that share options. The options may be changed between steps. */
export type ParamGroup<O> = { readonly params: readonly Tensor[] } & O & ScheduledValues;

/** A group as one gives it: options that are left out are the optimiser's. */
export type ParamGroupInput<O> = { readonly params: Tensor | Iterable<Tensor> } & Partial<O>;

/** What an optimiser takes: parameters, or groups of them. */
export type Params<O> = Iterable<Tensor> | Iterable<ParamGroupInput<O>>;

/** Sorts out the two forms that the first argument may have. */
export function groupsOf<O>(owner: string, params: Params<O>): readonly ParamGroupInput<O>[] {
  if (
    params instanceof Tensor ||
    typeof (params as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] !== 'function'
  ) {
    throw new ArgumentError(
      `${owner}: params is ${describe(params)}, expected a list of tensors such as model.parameters(), or a list of groups { params, lr, ... }`,
      { argument: 'params', received: describe(params) },
    );
  }
  const list: readonly (Tensor | ParamGroupInput<O>)[] = [...params];
  if (list.length === 0) {
    throw new ArgumentError(`${owner}: params is empty, expected at least one parameter`, {
      argument: 'params',
      expected: 'at least one parameter',
      received: 'none',
    });
  }
  const isGroup = (item: unknown): item is ParamGroupInput<O> =>
    typeof item === 'object' && item !== null && !(item instanceof Tensor) && 'params' in item;
  if (list.every(isGroup)) return list;
  if (list.some(isGroup)) {
    throw new ArgumentError(`${owner}: params mixes tensors and groups, expected either`, { argument: 'params' });
  }
  const options: Partial<O> = {};
  return [{ ...options, params: list as readonly Tensor[] }];
}

/** A complete group from a given one. Checks everything but the options' values. */
export function completeGroup<O extends object>(
  owner: string,
  input: ParamGroupInput<O>,
  defaults: O,
  taken: ReadonlySet<Tensor>,
): ParamGroup<O> {
  const { params, ...options } = input;
  const list = params instanceof Tensor ? [params] : [...params];
  const seen = new Set(taken);
  list.forEach((param: unknown, i) => {
    const name = `params[${i}]`;
    if (!(param instanceof Tensor)) {
      throw new ArgumentError(`${owner}: ${name} is ${describe(param)}, expected a Tensor`, {
        argument: name,
        expected: 'a Tensor',
        received: describe(param),
      });
    }
    if (!param.isLeaf) {
      throw new ArgumentError(
        `${owner}: ${name} of shape [${param.shape.join(', ')}] is the result of an operation; only leaves can be optimised: pass the parameter itself, or a detach()ed copy`,
        { argument: name, expected: 'a leaf', received: 'the result of an operation' },
      );
    }
    if (seen.has(param)) {
      throw new ArgumentError(`${owner}: ${name} of shape [${param.shape.join(', ')}] is given twice`, {
        argument: name,
        expected: 'each parameter once',
      });
    }
    seen.add(param);
  });
  return { params: list, ...withDefaults<O>(owner, defaults, options as unknown as Partial<O>) };
}

function describe(value: unknown): string {
  if (value instanceof Tensor) return 'a single tensor';
  if (value === null) return 'null';
  return typeof value === 'object' ? `an object (${value.constructor?.name ?? 'no class'})` : typeof value;
}

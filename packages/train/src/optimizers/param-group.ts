import { ArgumentError, Tensor } from '@rnn/core';
import { checkList, checkTensor, isIterable, refuse, withDefaults } from '@rnn/core/checks';

/** What every optimiser has. */
export interface OptimizerOptions {
  /** Learning rate: the size of a step. */
  lr: number;
  /** Whether to climb instead of to descend. */
  maximize: boolean;
}

/**
 * What schedules write into a group, under the names that PyTorch uses; saved with the optimiser's
 * state.
 */
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
  if (params instanceof Tensor || !isIterable(params)) {
    const expected = 'a list of tensors such as model.parameters(), or a list of groups { params, lr, ... }';
    refuse(ArgumentError, owner, 'params', { value: params, expected });
  }
  const list: readonly (Tensor | ParamGroupInput<O>)[] = [...params];
  checkList(owner, 'params', list, 'parameter', 1);
  const isGroup = (item: unknown): item is ParamGroupInput<O> =>
    typeof item === 'object' && item !== null && !(item instanceof Tensor) && 'params' in item;
  if (list.every(isGroup)) return list;
  if (list.some(isGroup)) {
    refuse(ArgumentError, owner, 'params', { received: 'a mixture of tensors and groups', expected: 'either' });
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
  if (typeof input !== 'object' || input === null) {
    refuse(ArgumentError, owner, 'group', { value: input, expected: 'a group { params, lr, ... }' });
  }
  const { params, ...options } = input;
  if (!(params instanceof Tensor) && !isIterable(params)) {
    refuse(ArgumentError, owner, 'params', { value: params, expected: 'tensors such as model.parameters()' });
  }
  const list = params instanceof Tensor ? [params] : [...params];
  const seen = new Set(taken);
  list.forEach((param: unknown, i) => {
    const name = `params[${i}]`;
    checkTensor(owner, name, param);
    if (!param.isLeaf) {
      refuse(ArgumentError, owner, name, {
        received: `the result of an operation, of shape [${param.shape.join(', ')}]`,
        expected: 'a leaf',
        hint: 'pass the parameter itself, or a detach()ed copy',
      });
    }
    if (seen.has(param)) {
      const received = `given twice, of shape [${param.shape.join(', ')}]`;
      refuse(ArgumentError, owner, name, { received, expected: 'each parameter once' });
    }
    seen.add(param);
  });
  return { params: list, ...withDefaults<O>(owner, defaults, options as unknown as Partial<O>) };
}

import {
  ArgumentError,
  compileFn,
  DisposedError,
  fromData,
  full,
  noGrad,
  scope,
  type CompiledFunction,
  type Tensor,
} from '@rnn/core';
import type { HostArray } from '../host-array.js';
import { withDefaults } from '../option-checks.js';
import {
  completeGroup,
  groupsOf,
  scheduledNames,
  type OptimizerOptions,
  type ParamGroup,
  type ParamGroupInput,
  type Params,
} from './param-group.js';
import {
  checkedStates,
  isRecord,
  placed,
  refuse,
  type GroupStateDict,
  type OptimizerStateDict,
  type ParamStateDict,
} from './state-dict.js';
import { choicesOf, type Choices, type Progress, type UpdateRule } from './update-rule.js';

/** What is kept for one parameter. */
interface ParamState {
  step: number;
  readonly tensors: Map<string, Tensor>;
}

/** The numbers of a step, a tensor each. */
type Scalars = Readonly<Record<string, Tensor>>;

/** A rule under certain choices as one operation: from parameter, gradient and state to parameter and state, columns all. */
type Update = CompiledFunction<readonly Tensor[], readonly Tensor[], Scalars>;

/** What the parameters of a group share in one step. */
interface GroupStep<O> {
  readonly group: ParamGroup<O>;
  readonly slots: readonly [name: string, initial: number][];
  readonly update: Update;
  /** The scalars of the parameter before, which most parameters have too. */
  last: { readonly of: Progress & Pick<Tensor, 'backend' | 'dtype'>; readonly scalars: Scalars } | undefined;
}

/**
 * What all optimisers share. A new one is an `UpdateRule` and three lines:
 *
 * @example
 * ```ts
 * const signDescent: UpdateRule<OptimizerOptions> = {
 *   name: 'SignDescent',
 *   check: () => {},
 *   slots: () => ({}),
 *   scalars: ({ lr }) => ({ lr }),
 *   update: (param, grad, _state, { lr }) => [param.sub(grad.sign().mul(lr)), {}],
 * };
 * class SignDescent extends Optimizer {
 *   constructor(params: Params<OptimizerOptions>, options: Partial<OptimizerOptions> = {}) {
 *     super(signDescent, params, { lr: 0.01, maximize: false }, options);
 *   }
 * }
 * ```
 * Differs from PyTorch: the same parameter twice, an unknown option and options that became invalid between two steps are errors.
 */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions> {
  /** Parameters with their options. An option may be set between steps: `optimizer.paramGroups[0].lr = 0.001`. */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** The options of a group that does not set its own. */
  readonly defaults: Readonly<O>;
  private readonly rule: UpdateRule<O>;
  private readonly states = new Map<Tensor, ParamState>();
  /** By the names of the slots and the choices. */
  private readonly updates = new Map<string, Update>();

  constructor(rule: UpdateRule<O>, params: Params<O>, defaults: O, options: Partial<O>) {
    this.rule = rule;
    this.defaults = withDefaults(rule.name, defaults, options);
    rule.check(this.defaults);
    for (const group of groupsOf(rule.name, params)) this.addParamGroup(group);
  }

  /**
   * Adds parameters, with options of their own or the optimiser's.
   *
   * @example
   * ```ts
   * optimizer.addParamGroup({ params: head.parameters(), lr: 0.1 });
   * ```
   * @param group - `params` and any of the optimiser's options
   * @throws ArgumentError when an option is unknown or makes no sense, or a parameter is not a leaf or already there
   */
  addParamGroup(group: ParamGroupInput<O>): void {
    const complete = completeGroup(this.rule.name, group, this.defaults as O, new Set(this.params()));
    this.rule.check(complete);
    this.paramGroups.push(complete);
  }

  /**
   * Moves every parameter that has a gradient by one step. State that lies on another backend than its parameter follows it first.
   *
   * @throws ArgumentError when an option makes no sense or a gradient does not fit its parameter, DisposedError when a gradient is
   *   gone; then nothing has changed
   */
  step(): void {
    for (const group of this.paramGroups) {
      this.rule.check(group);
      for (const param of group.params) if (param.grad !== undefined) this.checkGradient(param, param.grad);
    }
    noGrad(() => {
      for (const group of this.paramGroups) {
        const slots = slotsOf(this.rule, group);
        const update = this.updateFor(
          slots.map(([slot]) => slot),
          choicesOf<O>(optionsOf(group)),
        );
        const step: GroupStep<O> = { group, slots, update, last: undefined };
        scope(() => {
          for (const param of group.params) {
            const { grad } = param;
            if (grad !== undefined) this.advance(step, param, grad);
          }
        });
      }
    });
  }

  /** Frees all gradients, so that the next `backward` starts from none. */
  zeroGrad(): void {
    for (const param of this.params()) {
      param.grad?.dispose();
      param.grad = undefined;
    }
  }

  /**
   * The options of all groups and what is kept for each parameter.
   *
   * @returns plain objects; its tensors are a snapshot that later steps do not change, and belong to the caller
   */
  stateDict(): OptimizerStateDict<O> {
    const state: Record<string, ParamStateDict> = {};
    let position = 0;
    const paramGroups = this.paramGroups.map(({ params, ...options }): GroupStateDict<O> => {
      const slots = slotsOf(this.rule, options as unknown as O);
      const positions = params.map((param) => {
        const kept = this.states.get(param);
        if (kept !== undefined) {
          const tensors = slots.map(([slot, initial]): [string, Tensor] => [
            slot,
            kept.tensors.get(slot)?.detach() ?? filled(param, initial),
          ]);
          state[position] = { step: kept.step, tensors: Object.fromEntries(tensors) };
        }
        return position++;
      });
      return { ...(structuredClone(options) as unknown as Partial<O> & Record<string, unknown>), params: positions };
    });
    return { state, paramGroups };
  }

  /**
   * Takes over what `stateDict` gave, here or in another process. Tensors move to the parameters' backends and types.
   *
   * @param dict - as `stateDict` returns it; in place of a tensor `{ shape, data }` will do
   * @throws StateDictError when groups, options, names or shapes do not fit; ArgumentError when an option makes no sense. Then nothing has changed
   */
  loadStateDict(dict: OptimizerStateDict<object, Tensor | HostArray>): void {
    const { name } = this.rule;
    if (!isRecord(dict) || !isRecord(dict.state) || !Array.isArray(dict.paramGroups)) {
      refuse(name, 'is not { state, paramGroups }');
    }
    const options = this.checkedGroups(dict.paramGroups as readonly unknown[]);
    const params = this.params();
    const slots = this.paramGroups.flatMap(({ params: own }, i) =>
      own.map(() => slotsOf(this.rule, options[i]).map(([slot]) => slot)),
    );
    const loaded = checkedStates(name, dict, params, (position) => slots[position]);
    // Moving is what may still fail (for want of memory): it comes before the first change.
    const states = scope(
      () =>
        new Map(
          [...loaded].map(([position, { step, tensors }]): [Tensor, ParamState] => {
            const param = params[position];
            return [
              param,
              { step, tensors: new Map([...tensors].map(([slot, value]) => [slot, placed(value, param)])) },
            ];
          }),
        ),
    );
    this.dispose();
    for (const [param, state] of states) {
      for (const tensor of state.tensors.values()) tensor.keep();
      this.states.set(param, state);
    }
    this.paramGroups.forEach((group, i) => {
      for (const key of scheduledNames) delete group[key];
      Object.assign(group, options[i]);
    });
  }

  /** Frees the state. The parameters stay; a further step starts as the first one did. */
  dispose(): void {
    for (const { tensors } of this.states.values()) for (const tensor of tensors.values()) tensor.dispose();
    this.states.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  private params(): Tensor[] {
    return this.paramGroups.flatMap(({ params }) => params);
  }

  private checkGradient(param: Tensor, grad: Tensor): void {
    const { name } = this.rule;
    const place = param.backend.info.name;
    if (grad.isDisposed) {
      throw new DisposedError(
        `${name}: the gradient of a parameter of shape [${param.shape.join(', ')}] was disposed of; call zeroGrad() instead, which also takes it off the parameter`,
        { argument: 'params' },
      );
    }
    if (grad.backend !== param.backend || grad.dtype !== param.dtype) {
      throw new ArgumentError(
        `${name}: a parameter of shape [${param.shape.join(', ')}] is ${param.dtype} on '${place}', its gradient ${grad.dtype} on '${grad.backend.info.name}'; after a move of the model call zeroGrad() and backward() again`,
        { argument: 'params' },
      );
    }
    if (grad.shape.length !== param.shape.length || grad.shape.some((size, i) => size !== param.shape[i])) {
      throw new ArgumentError(
        `${name}: a parameter has shape [${param.shape.join(', ')}] but its gradient [${grad.shape.join(', ')}]`,
        { argument: 'params' },
      );
    }
  }

  private updateFor(slots: readonly string[], choices: Choices<O>): Update {
    const key = JSON.stringify([slots, choices]);
    let update = this.updates.get(key);
    if (update === undefined) {
      update = compileFn(([param, grad, ...kept]: readonly Tensor[], scalars: Scalars): readonly Tensor[] => {
        const state = Object.fromEntries(slots.map((slot, i) => [slot, kept[i]]));
        const [next, after] = this.rule.update(param, grad, state, scalars, choices);
        return [next, ...slots.map((slot) => after[slot] as Tensor)];
      });
      this.updates.set(key, update);
    }
    return update;
  }

  private advance(step: GroupStep<O>, param: Tensor, grad: Tensor): void {
    const { slots, update } = step;
    const kept = this.states.get(param) ?? { step: 0, tensors: new Map<string, Tensor>() };
    let fresh = false;
    for (const [slot, initial] of slots) {
      const before = kept.tensors.get(slot);
      if (before !== undefined && before.backend === param.backend && before.dtype === param.dtype) continue;
      fresh ||= before === undefined;
      kept.tensors.set(slot, (before === undefined ? filled(param, initial) : placed(before, param)).keep());
      before?.dispose();
    }
    const scalars = this.scalars(step, param, { step: kept.step + 1, fresh });
    scope(() => {
      const state = slots.map(([slot]) => kept.tensors.get(slot) as Tensor);
      const [next, ...after] = update([param, grad, ...state].map(asColumn), scalars);
      param.copy_(next.reshape(param.shape));
      state.forEach((tensor, i) => tensor.copy_(after[i].reshape(param.shape)));
    });
    kept.step++;
    this.states.set(param, kept);
  }

  /** The numbers of a step as tensors: operands, so that the update is the same program at every step. */
  private scalars(
    step: GroupStep<O>,
    { backend, dtype }: Tensor,
    progress: Progress,
  ): Readonly<Record<string, Tensor>> {
    const of = { ...progress, backend, dtype };
    const { last } = step;
    if (
      last !== undefined &&
      last.of.step === of.step &&
      last.of.fresh === of.fresh &&
      last.of.backend === backend &&
      last.of.dtype === dtype
    )
      return last.scalars;
    const numbers = Object.entries<number>(this.rule.scalars(step.group, progress));
    const scalars = Object.fromEntries(numbers.map(([name, x]) => [name, fromData([x], [1], { backend, dtype })]));
    step.last = { of, scalars };
    return scalars;
  }

  private checkedGroups(saved: readonly unknown[]): (O & Record<string, unknown>)[] {
    const { name } = this.rule;
    if (saved.length !== this.paramGroups.length) {
      refuse(name, `has ${saved.length} parameter groups, but the optimiser has ${this.paramGroups.length}`);
    }
    return saved.map((group, i) => {
      if (!isRecord(group) || !Array.isArray(group.params))
        refuse(name, `has paramGroups[${i}] that is not { params, lr, ... }`);
      const { params, ...options } = group;
      const expected = this.paramGroups[i].params.length;
      if ((params as unknown[]).length !== expected) {
        refuse(
          name,
          `has ${(params as unknown[]).length} parameters in paramGroups[${i}], but the optimiser has ${expected} there`,
        );
      }
      const known = Object.keys(this.defaults);
      const missing = known.filter((key) => !Object.hasOwn(options, key)).map((key) => `paramGroups[${i}].${key}`);
      const unexpected = Object.keys(options)
        .filter((key) => !known.includes(key) && !(scheduledNames as readonly string[]).includes(key))
        .map((key) => `paramGroups[${i}].${key}`);
      if (missing.length > 0 || unexpected.length > 0) {
        refuse(name, `lacks [${missing.join(', ')}] and has [${unexpected.join(', ')}] that ${name} does not know`, {
          missing,
          unexpected,
        });
      }
      this.rule.check(options as unknown as O);
      return structuredClone(options) as O & Record<string, unknown>;
    });
  }
}

/** Refuses what is no optimiser. */
export function checkOptimizer(owner: string, optimizer: unknown): asserts optimizer is Optimizer {
  if (optimizer instanceof Optimizer) return;
  const received = optimizer === null ? 'null' : typeof optimizer;
  throw new ArgumentError(`${owner}: optimizer is ${received}, expected an optimiser such as new SGD(...)`, {
    argument: 'optimizer',
    received,
  });
}

/** A rule's slots in their order. */
function slotsOf<O>(rule: UpdateRule<O>, options: O): [string, number][] {
  return Object.entries(rule.slots(options)) as [string, number][];
}

/** A group without its parameters. */
function optionsOf<O>({ params: _, ...options }: ParamGroup<O>): O {
  return options as unknown as O;
}

/** The elements as rows of one feature each, so that one program serves every shape. */
function asColumn(x: Tensor): Tensor {
  return x.reshape([x.size, 1]);
}

/** A tensor of a parameter's shape, type and place. */
function filled({ shape, dtype, backend }: Tensor, value: number): Tensor {
  return full(shape, value, { dtype, backend });
}

import { ArgumentError, detach, full, moveTo, noGrad, scope, type Backend, type Tensor } from '@rnn/core';
import { withDefaults, refuse as refuseArgument } from '@rnn/core/checks';
import type { HostArray } from '../host-array.js';
import { fromJSONNumbers, toJSONNumbers, withToJSON } from '../json-numbers.js';
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
  checkedGroups,
  checkedStates,
  isRecord,
  placed,
  refuse,
  withHostArrays,
  type GroupStateDict,
  type OptimizerStateDict,
  type ParamStateDict,
} from './state-dict.js';
import { checkGradient, checkPlaces, runClosure } from './step-checks.js';
import { StepScalars } from './step-scalars.js';
import { UpdatePrograms, type Update } from './update-programs.js';
import type { UpdateRule } from './update-rule.js';

/** What is kept for one parameter. */
interface ParamState {
  step: number;
  readonly tensors: Map<string, Tensor>;
}

/** What the parameters of a group share in one step. */
interface GroupStep<O> {
  readonly slots: readonly [name: string, initial: number][];
  readonly update: Update;
  readonly scalars: StepScalars<O>;
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
 * Differs from PyTorch: the same parameter twice, an unknown option and options that became invalid
 * between two steps are errors.
 */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions> {
  /**
   * Parameters with their options. An option may be set between steps:
   * `optimizer.paramGroups[0].lr = 0.001`.
   */
  readonly paramGroups: ParamGroup<O>[] = [];
  /** The options of a group that does not set its own. */
  readonly defaults: Readonly<O>;
  // What computes is in private fields: copies and comparisons see options and numbers alone.
  readonly #rule: UpdateRule<O>;
  private readonly states = new Map<Tensor, ParamState>();
  readonly #updates: UpdatePrograms<O>;

  constructor(rule: UpdateRule<O>, params: Params<O>, defaults: O, options: Partial<O>) {
    this.#rule = rule;
    this.#updates = new UpdatePrograms(rule);
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
   * @throws ArgumentError when an option is unknown or makes no sense, or a parameter is not a leaf
   *   or already there
   */
  addParamGroup(group: ParamGroupInput<O>): void {
    const complete = completeGroup(this.#rule.name, group, this.defaults as O, new Set(this.params()));
    this.#rule.check(complete);
    this.paramGroups.push(complete);
  }

  /**
   * Moves every parameter that has a gradient by one step. State that lies on another backend than
   * its parameter follows it first.
   *
   * @example
   * ```ts
   * const loss = optimizer.step(() => {
   *   optimizer.zeroGrad();
   *   const loss = mseLoss(model.forward(x), y);
   *   loss.backward();
   *   return loss;
   * });
   * ```
   * @param closure - called once before the step, with recording on, to compute the loss and its
   *   gradients; may be left out where `backward` was called already
   * @returns what the closure returned; `undefined` without one
   * @throws ArgumentError when the closure is no function or returns a promise (`await` before the
   *   step instead: nothing may change the gradients meanwhile); ArgumentError when an option makes
   *   no sense or a gradient does not fit its parameter, DisposedError when a gradient is gone,
   *   BackendError when state lies on a backend that answers only later, which `moveTo` waits for;
   *   then nothing has changed
   */
  step(): undefined;
  step<R>(closure: () => R): R;
  step<R>(closure?: () => R): R | undefined {
    const result = closure === undefined ? undefined : runClosure(this.#rule.name, closure);
    this.advanceAll();
    return result;
  }

  private advanceAll(): void {
    for (const group of this.paramGroups) {
      this.#rule.check(group);
      for (const param of group.params) {
        if (param.grad === undefined) continue;
        checkGradient(this.#rule.name, param, param.grad);
        checkPlaces(this.#rule.name, param, this.states.get(param)?.tensors.values() ?? []);
      }
    }
    noGrad(() => {
      for (const group of this.paramGroups) {
        const slots = slotsOf(this.#rule, group);
        const update = this.#updates.for(
          group,
          slots.map(([slot]) => slot),
        );
        const step: GroupStep<O> = { slots, update, scalars: new StepScalars<O>(this.#rule, group) };
        scope(() => {
          for (const param of group.params) {
            const { grad } = param;
            if (grad !== undefined) this.advance(step, param, grad);
          }
        });
      }
    });
  }

  /**
   * Moves what is kept for the parameters to another backend, and waits for it. After
   * `await model.moveTo(backend)`, wherever the old backend answers only later, as WebGPU does;
   * from any other, state follows its parameters by itself.
   *
   * @example
   * ```ts
   * await model.moveTo(backend);
   * await optimizer.moveTo(backend);
   * ```
   * @param backend - where the parameters are or are going to be
   * @returns a promise of this optimiser; no step may be done until it resolves
   * @throws ArgumentError when a step was done; and what `moveTo` of `@rnn/core` throws. Then
   *   nothing has moved.
   *
   * Differs from PyTorch: an optimiser cannot be moved there.
   */
  async moveTo(backend: Backend): Promise<this> {
    await moveTo(
      [...this.states.values()].flatMap(({ tensors }) => [...tensors.values()]),
      backend,
    );
    return this;
  }

  /**
   * Frees all gradients, so that the next `backward` starts from none.
   *
   * @example
   * ```ts
   * const model = new Linear(3, 2);
   * const optimizer = new Adam(model.parameters());
   * model.forward(ones([4, 3])).sum().backward();
   * optimizer.zeroGrad();
   * model.weight.grad; // undefined
   * ```
   */
  zeroGrad(): void {
    for (const { params } of this.paramGroups) {
      for (const param of params) {
        param.grad?.dispose();
        param.grad = undefined;
      }
    }
  }

  /**
   * The options of all groups and what is kept for each parameter.
   *
   * @example
   * ```ts
   * const model = new Linear(3, 2);
   * const optimizer = new Adam(model.parameters());
   * optimizer.stateDict().paramGroups.map(({ lr }) => lr); // [0.001]
   * ```
   * @returns plain objects; its tensors are a snapshot that later steps do not change, and belong
   *   to the caller. `JSON.stringify` writes a tensor as `{ shape, data }`, where its backend can
   *   be read without waiting
   */
  stateDict(): OptimizerStateDict<O> {
    const state: Record<string, ParamStateDict> = {};
    let position = 0;
    const paramGroups = this.paramGroups.map(({ params, ...options }): GroupStateDict<O> => {
      const slots = slotsOf(this.#rule, options as unknown as O);
      const positions = params.map((param) => {
        const kept = this.states.get(param);
        if (kept !== undefined) {
          const tensors = slots.map(([slot, initial]): [string, Tensor] => {
            const tensor = kept.tensors.get(slot);
            return [slot, tensor === undefined ? filled(param, initial) : detach(tensor)];
          });
          state[position] = { step: kept.step, tensors: Object.fromEntries(tensors) };
        }
        return position++;
      });
      return { ...(structuredClone(options) as unknown as Partial<O> & Record<string, unknown>), params: positions };
    });
    const dict: OptimizerStateDict<O> = { state, paramGroups };
    return withToJSON(dict, () => toJSONNumbers(withHostArrays(dict)));
  }

  /**
   * The options of all groups, one a line, in PyTorch's form. Node's `console.log` shows the same.
   *
   * @example
   * ```ts
   * new SGD(new Linear(3, 2).parameters(), { lr: 0.1 }).toString().split('\n')[0]; // 'SGD ('
   * ```
   * @returns `SGD (\nParameter Group 0\n    lr: 0.1 ...)`
   */
  toString(): string {
    const groups = this.paramGroups.map(({ params: _, ...options }, i) => {
      const lines = Object.entries(options).map(([key, value]) => `    ${key}: ${shown(value)}`);
      return `Parameter Group ${i}\n${lines.sort().join('\n')}\n`;
    });
    return `${this.constructor.name} (\n${groups.join('\n')})`;
  }

  /**
   * What `JSON.stringify` writes: that of `stateDict()`, with the numbers of what is kept and
   * without the parameters.
   *
   * @example
   * ```ts
   * const model = new Linear(3, 2);
   * const optimizer = new Adam(model.parameters());
   * optimizer.loadStateDict(JSON.parse(JSON.stringify(optimizer)));
   * ```
   * @returns plain values, which `loadStateDict` takes
   */
  toJSON(): unknown {
    return scope(() => toJSONNumbers(withHostArrays(this.stateDict())));
  }

  /**
   * Takes over what `stateDict` gave, here or in another process. Tensors move to the parameters'
   * backends and types.
   *
   * @example
   * ```ts
   * const model = new Linear(3, 2);
   * const optimizer = new Adam(model.parameters());
   * optimizer.loadStateDict(new Adam(new Linear(3, 2).parameters(), { lr: 0.01 }).stateDict());
   * optimizer.paramGroups.map(({ lr }) => lr); // [0.01]
   * ```
   * @param dict - as `stateDict` returns it, or `JSON.parse` of its text; in place of a tensor
   *   `{ shape, data }` will do, in whose list the texts 'NaN', 'Infinity' and '-Infinity' stand
   *   for numbers that JSON lacks
   * @throws StateDictError when groups, options, names or shapes do not fit; ArgumentError when an
   *   option makes no sense. Then nothing has changed
   */
  loadStateDict(dict: OptimizerStateDict<object, Tensor | HostArray>): void {
    const { name } = this.#rule;
    if (!isRecord(dict) || !isRecord(dict.state) || !Array.isArray(dict.paramGroups)) {
      refuse(name, 'is not { state, paramGroups }');
    }
    const sizes = this.paramGroups.map((group) => group.params.length);
    const known = Object.keys(this.defaults);
    const options = fromJSONNumbers(checkedGroups(name, dict.paramGroups, sizes, known)) as (O &
      Record<string, unknown>)[];
    for (const group of options) this.#rule.check(group);
    const params = this.params();
    const slots = this.paramGroups.flatMap(({ params: own }, i) =>
      own.map(() => slotsOf(this.#rule, options[i]).map(([slot]) => slot)),
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

  /**
   * Frees the state. The parameters stay; a further step starts as the first one did.
   *
   * @example
   * ```ts
   * const model = new Linear(3, 2);
   * const optimizer = new Adam(model.parameters());
   * optimizer.dispose(); // the parameters stay
   * ```
   */
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

  private advance(step: GroupStep<O>, param: Tensor, grad: Tensor): void {
    const { slots, update, scalars } = step;
    const kept = this.states.get(param) ?? { step: 0, tensors: new Map<string, Tensor>() };
    let fresh = false;
    for (const [slot, initial] of slots) {
      const before = kept.tensors.get(slot);
      if (before !== undefined && before.backend === param.backend && before.dtype === param.dtype) continue;
      fresh ||= before === undefined;
      kept.tensors.set(slot, (before === undefined ? filled(param, initial) : placed(before, param)).keep());
      before?.dispose();
    }
    const operands = [param, grad];
    for (const [slot] of slots) operands.push(kept.tensors.get(slot) as Tensor);
    const after = update(operands, scalars.of(param, { step: kept.step + 1, fresh }));
    param.copy_(after[0]);
    for (let i = 1; i < after.length; i++) operands[i + 1].copy_(after[i]);
    kept.step++;
    if (kept.step === 1) this.states.set(param, kept);
  }
}

/** Refuses what is no optimiser. */
export function checkOptimizer(owner: string, optimizer: unknown): asserts optimizer is Optimizer {
  if (optimizer instanceof Optimizer) return;
  refuseArgument(ArgumentError, owner, 'optimizer', {
    value: optimizer,
    expected: 'an optimiser such as new SGD(...)',
  });
}

/** A rule's slots in their order. */
function slotsOf<O>(rule: UpdateRule<O>, options: O): [string, number][] {
  return Object.entries(rule.slots(options)) as [string, number][];
}

/** A tensor of a parameter's shape, type and place. */
function filled({ shape, dtype, backend }: Tensor, value: number): Tensor {
  return full(shape, value, { dtype, backend });
}

function shown(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
}

// What Node's console.log shows.
Object.defineProperty(Optimizer.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(this: Optimizer): string {
    return this.toString();
  },
});

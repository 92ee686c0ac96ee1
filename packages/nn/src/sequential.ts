import { ArgumentError, scope, Tensor, type Lengths } from '@rnn/core';
import { checkChoice, checkList, checkOptions, checkTensor, refuse } from '@rnn/core/checks';
import { Module } from './module.js';

/** A module from one tensor to one tensor. */
export interface TensorModule extends Module {
  forward(x: Tensor): Tensor;
}

/**
 * A module over sequences, which gives an output and a state: `RNN`, `LSTM`, `GRU`, `Recurrent`,
 * `Bidirectional`, or one of your own.
 */
export interface SequenceModule extends Module {
  forward(x: Tensor, state: undefined, options?: { readonly lengths?: Lengths }): readonly [Tensor, ...unknown[]];
  /** What of the state that `forward` gave stands for the whole sequence, `[B, ...]`. */
  lastHidden(state: unknown): Tensor;
}

/** What `Sequential` takes after the modules. */
export interface SequentialOptions {
  /**
   * What the last recurrent layer hands on: its `'output'` at every step, or the `'last'` one, the
   * hidden state after the last step of each row. Those below it hand on their outputs. `'output'`
   * unless said otherwise.
   */
  readonly recurrent?: 'output' | 'last';
}

/** What a forward pass of `Sequential` takes besides. */
export interface SequentialForwardOptions {
  /** Valid steps of each row, for the recurrent layers. */
  readonly lengths?: Lengths;
}

/**
 * Modules one after another.
 *
 * @example
 * ```ts
 * const head = new Sequential(new Linear(8, 16), new ReLU(), new Linear(16, 1));
 * Object.keys(head.stateDict()); // ['0.weight', '0.bias', '2.weight', '2.bias']
 * const classifier = new Sequential(new Embedding(50, 8), new GRU(8, 16), new Linear(16, 3), {
 *   recurrent: 'last',
 * });
 * classifier.forward(words, { lengths: [7, 4] }).shape; // [2, 3], for words [7, 2]
 * ```
 * @param modules - at least one; each takes what the one before gives. Options may follow:
 *   `recurrent` ('output')
 * @throws ArgumentError when one of them is not a module
 *
 * Differs from PyTorch: recurrent layers may stand among the modules; of the pair that they give,
 * the output goes on.
 */
export class Sequential extends Module {
  [index: number]: TensorModule | SequenceModule;
  readonly length: number;
  readonly recurrent: 'output' | 'last';

  constructor(...modules: (TensorModule | SequenceModule)[]);
  constructor(...modules: [...(TensorModule | SequenceModule)[], SequentialOptions]);
  constructor(...args: (TensorModule | SequenceModule | SequentialOptions)[]) {
    super();
    const last = args[args.length - 1];
    const hasOptions = args.length > 1 && isPlain(last);
    const modules = hasOptions ? args.slice(0, -1) : args;
    if (hasOptions) checkOptions('Sequential', last, ['recurrent']);
    const { recurrent = 'output' } = hasOptions ? (last as SequentialOptions) : {};
    checkChoice('Sequential', 'recurrent', recurrent, ['output', 'last']);
    checkList('Sequential', 'modules', modules, 'Module', 1);
    modules.forEach((module, i) => {
      if (!(module instanceof Module)) {
        refuse(ArgumentError, 'Sequential', `modules[${i}]`, { value: module, expected: 'a Module' });
      }
      this[i] = module;
    });
    this.length = modules.length;
    this.recurrent = recurrent;
    if (recurrent === 'last' && lastRecurrentOf(this) < 0) {
      refuse(ArgumentError, 'Sequential', 'recurrent', {
        value: recurrent,
        expected: "'output', as no module is a recurrent layer",
      });
    }
  }

  /** The modules in order. */
  *[Symbol.iterator](): IterableIterator<TensorModule | SequenceModule> {
    for (let i = 0; i < this.length; i++) yield this[i];
  }

  /**
   * @param x - what the first module takes
   * @param options - `lengths`, for the recurrent layers
   * @returns what the last one gives; of a recurrent layer the output, or what `recurrent` says
   * @throws ArgumentError for `lengths` without a recurrent layer, or a module that gives something
   *   else than a tensor
   */
  forward(x: Tensor, options: SequentialForwardOptions = {}): Tensor {
    checkTensor('Sequential', 'input', x);
    checkOptions('Sequential', options, ['lengths']);
    const { lengths } = options;
    const last = lastRecurrentOf(this);
    if (lengths !== undefined && last < 0) {
      const expected = 'none, as no module is a recurrent layer';
      refuse(ArgumentError, 'Sequential', 'lengths', { received: 'given', expected });
    }
    return scope(() => {
      let value = x;
      for (let i = 0; i < this.length; i++) {
        const module = this[i];
        let result: unknown;
        if (isSequenceModule(module)) {
          const [output, state] = module.forward(value, undefined, { lengths });
          result = i === last && this.recurrent === 'last' ? module.lastHidden(state) : output;
        } else result = module.forward(value);
        if (result instanceof Tensor) value = result;
        else refuseResult(i, result);
      }
      return value;
    });
  }
}

/** The place of the last recurrent layer, -1 without one. */
function lastRecurrentOf(self: Sequential): number {
  for (let i = self.length - 1; i >= 0; i--) if (isSequenceModule(self[i])) return i;
  return -1;
}

function isSequenceModule(module: Module): module is SequenceModule {
  return typeof (module as { readonly lastHidden?: unknown }).lastHidden === 'function';
}

function isPlain(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function refuseResult(index: number, result: unknown): never {
  refuse(ArgumentError, 'Sequential', `modules[${index}]`, {
    part: 'the result',
    value: result,
    expected: 'a Tensor',
    hint: 'a recurrent module of your own says by lastHidden(state) that its output goes on',
  });
}

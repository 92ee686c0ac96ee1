import { ArgumentError, scope, type Tensor } from '@rnn/core';
import { checkList, refuse } from '@rnn/core/checks';
import { Module } from './module.js';

/** A module from one tensor to one tensor. */
export interface TensorModule extends Module {
  forward(x: Tensor): Tensor;
}

/**
 * Modules one after another.
 *
 * @example
 * ```ts
 * const head = new Sequential(new Linear(8, 16), new ReLU(), new Linear(16, 1));
 * Object.keys(head.stateDict());   // ['0.weight', '0.bias', '2.weight', '2.bias']
 * ```
 * @param modules - at least one; each takes what the one before gives
 * @throws ArgumentError when one of them is not a module
 *
 * Recurrent layers give a pair and so do not fit; call them in a `forward` of your own.
 */
export class Sequential extends Module {
  [index: number]: TensorModule;
  readonly length: number;

  constructor(...modules: TensorModule[]) {
    super();
    checkList('Sequential', 'modules', modules, 'Module', 1);
    modules.forEach((module, i) => {
      if (!(module instanceof Module)) {
        refuse(ArgumentError, 'Sequential', `modules[${i}]`, { value: module, expected: 'a Module' });
      }
      this[i] = module;
    });
    this.length = modules.length;
  }

  /** The modules in order. */
  *[Symbol.iterator](): IterableIterator<TensorModule> {
    for (let i = 0; i < this.length; i++) yield this[i];
  }

  /**
   * @param x - what the first module takes
   * @returns what the last one gives
   */
  forward(x: Tensor): Tensor {
    return scope(() => {
      let value = x;
      for (const module of this) value = module.forward(value);
      return value;
    });
  }
}

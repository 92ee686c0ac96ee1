import { type Tensor } from '@rnn/core';
import { checkTensor } from '@rnn/core/checks';
import { Module } from './module.js';

/**
 * Gives what it gets: where a model may have a layer or none.
 *
 * @example
 * ```ts
 * new Identity().forward(x) === x;   // true
 * ```
 *
 * Differs from PyTorch: takes no arguments that it passes over.
 */
export class Identity extends Module {
  /** Any shape to the same tensor. */
  forward(x: Tensor): Tensor {
    checkTensor('Identity', 'input', x);
    return x;
  }
}

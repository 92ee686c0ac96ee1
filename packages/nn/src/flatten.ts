import { flatten, type Tensor } from '@rnn/core';
import { checkNumber, checkTensor } from '@rnn/core/checks';
import { listed } from './describe.js';
import { Module } from './module.js';

/**
 * Several dimensions made one, for `Sequential`.
 *
 * @example
 * ```ts
 * new Flatten().forward(ones([5, 3, 2])).shape;   // [5, 6]
 * ```
 * @param startDim - the first of them; 1, behind the batch, unless given
 * @param endDim - the last of them; the last one of all unless given
 * @throws ArgumentError when they are no numbers
 */
export class Flatten extends Module {
  readonly startDim: number;
  readonly endDim: number;

  constructor(startDim = 1, endDim = -1) {
    super();
    checkNumber('Flatten', 'startDim', startDim);
    checkNumber('Flatten', 'endDim', endDim);
    this.startDim = startDim;
    this.endDim = endDim;
  }

  protected override extraRepr(): string {
    return listed({ start_dim: this.startDim, end_dim: this.endDim });
  }

  /**
   * @param x - any shape that has both dimensions
   * @returns the same elements in fewer dimensions
   */
  forward(x: Tensor): Tensor {
    checkTensor('Flatten', 'input', x);
    return flatten(x, this.startDim, this.endDim);
  }
}

import { gelu, relu, sigmoid, silu, softmax, tanh, type GeluOptions, type Tensor } from '@rnn/core';
import { checkChoice, checkNumber, checkOptions, checkTensor } from '@rnn/core/checks';
import { listed } from './describe.js';
import { Module } from './module.js';

/**
 * `tanh` as a module, for `Sequential`.
 *
 * @example
 * ```ts
 * new Sequential(new Linear(2, 3), new Tanh());
 * ```
 */
export class Tanh extends Module {
  /** Any shape to the same shape. */
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/**
 * `relu` as a module, for `Sequential`.
 *
 * @example
 * ```ts
 * new Sequential(new Linear(2, 3), new ReLU());
 * ```
 */
export class ReLU extends Module {
  /** Any shape to the same shape. */
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/**
 * `sigmoid` as a module, for `Sequential`.
 *
 * @example
 * ```ts
 * new Sequential(new Linear(2, 1), new Sigmoid());
 * ```
 */
export class Sigmoid extends Module {
  /** Any shape to the same shape. */
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/**
 * `silu`, x σ(x), as a module, for `Sequential`.
 *
 * @example
 * ```ts
 * new SiLU().forward(tensor([0, 1]));   // [0, 0.7311]
 * ```
 */
export class SiLU extends Module {
  /** Any shape to the same shape. */
  forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/**
 * `gelu` as a module, for `Sequential`.
 *
 * @example
 * ```ts
 * new GELU({ approximate: 'tanh' }).forward(tensor([-1, 0, 1]));   // [-0.1588, 0, 0.8412]
 * ```
 * @param options - `approximate`: 'none' (by the error function) or 'tanh'
 * @throws ArgumentError for any other word
 */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor(options: GeluOptions = {}) {
    super();
    checkOptions('GELU', options, ['approximate']);
    const { approximate = 'none' } = options;
    checkChoice('GELU', 'approximate', approximate, ['none', 'tanh']);
    this.approximate = approximate;
  }

  protected override extraRepr(): string {
    return listed({ approximate: this.approximate });
  }

  /** Any shape to the same shape. */
  forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }
}

/**
 * `softmax` as a module, for `Sequential`.
 *
 * @example
 * ```ts
 * new Softmax(-1).forward(zeros([2, 4]));   // all 0.25
 * ```
 * @param dim - the dimension along which the results add up to 1; the last one unless given
 * @throws ArgumentError when it is no whole number
 *
 * Differs from PyTorch: without `dim` it is the last dimension, where PyTorch guesses by the rank
 * and warns.
 */
export class Softmax extends Module {
  readonly dim: number;

  constructor(dim = -1) {
    super();
    checkNumber('Softmax', 'dim', dim);
    this.dim = dim;
  }

  protected override extraRepr(): string {
    return listed({ dim: this.dim });
  }

  /** Any shape that has the dimension, to the same shape. */
  forward(x: Tensor): Tensor {
    checkTensor('Softmax', 'input', x);
    return softmax(x, this.dim);
  }
}

import { relu, sigmoid, tanh, type Tensor } from '@rnn/core';
import { Module } from './module.js';

/** `tanh` as a module, for `Sequential`. */
export class Tanh extends Module {
  /** Any shape to the same shape. */
  forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/** `relu` as a module, for `Sequential`. */
export class ReLU extends Module {
  /** Any shape to the same shape. */
  forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/** `sigmoid` as a module, for `Sequential`. */
export class Sigmoid extends Module {
  /** Any shape to the same shape. */
  forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

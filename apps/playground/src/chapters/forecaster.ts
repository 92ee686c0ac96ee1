import type { Tensor } from '@rnn/core';
import { Linear, Module } from '@rnn/nn';

/** What RNN, LSTM and GRU have in common: they differ in the state that they carry. */
export interface SequenceLayer extends Module {
  readonly hiddenSize: number;
  forward(x: Tensor): [output: Tensor, last: unknown];
}

/** Reads a window of a series and says what comes next. */
export class Forecaster extends Module {
  layer: SequenceLayer;
  head: Linear;

  constructor(layer: SequenceLayer) {
    super();
    this.layer = layer;
    this.head = new Linear(layer.hiddenSize, 1);
  }

  /** [T, B, 1] -> [B, 1] */
  forward(x: Tensor): Tensor {
    const [output] = this.layer.forward(x);
    return this.head.forward(output.select(0, -1));
  }
}

import type { Tensor } from '@rnn/core';
import { Linear, LSTM, Module } from '@rnn/nn';

/** The last 60 months in, the next one out. */
export const window = 60;

export class Forecaster extends Module {
  lstm: LSTM = new LSTM(1, 32);
  head: Linear = new Linear(32, 1);

  forward(x: Tensor): Tensor {
    const [, [h]] = this.lstm.forward(x);
    return this.head.forward(h.select(0, 0));
  }
}

import type { Tensor } from '@rnn/core';
import { GRU, Linear, Module } from '@rnn/nn';

export const wave = Array.from({ length: 400 }, (_, t) => Math.sin(t / 5));

/** What the worker trains and the page uses. */
export class Wave extends Module {
  gru = new GRU(1, 16);
  head = new Linear(16, 1);

  forward(x: Tensor): Tensor {
    const [, last] = this.gru.forward(x);
    return this.head.forward(last.select(0, 0));
  }
}

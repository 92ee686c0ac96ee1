import type { Tensor } from '@rnn/core';
import { GRU, Linear, LSTM, Module, RNN } from '@rnn/nn';
import type { Tree } from '@rnn/core';

/** The recurrent layers that a visitor can choose. */
const layers = { LSTM, GRU, RNN };
/** A name of one of them. */
export type LayerName = keyof typeof layers;

/** What LSTM, GRU and RNN have in common here: each takes the state that it gave. */
interface Layer extends Module {
  forward(x: Tensor, state?: Tree): [output: Tensor, state: Tree];
}

/** Says at each step how much each feature will change until the next one. */
export class Forecaster extends Module {
  readonly layer: Layer;
  readonly head: Linear;

  constructor(name: LayerName, features: number, hidden: number) {
    super();
    this.layer = new layers[name](features, hidden);
    this.head = new Linear(hidden, features);
  }

  /** x [T, B, F] -> what follows each step [T, B, F], and the state after the last one */
  forward(x: Tensor, state?: Tree): [output: Tensor, state: Tree] {
    const [output, last] = this.layer.forward(x, state);
    return [this.head.forward(output).add(x), last];
  }
}

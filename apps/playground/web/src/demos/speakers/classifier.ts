import { softmax, type Lengths, type Tensor, type Tree } from '@rnn/core';
import { GRU, Linear, LSTM, Module, RNN } from '@rnn/nn';
import { coefficients, speakers } from '../../../../src/data/japanese-vowels.ts';

/** The recurrent layers that a visitor can choose. */
const layers = { GRU, LSTM, RNN };
/** A name of one of them. */
export type LayerName = keyof typeof layers;

/** What GRU, LSTM and RNN have in common here. */
interface Layer extends Module {
  readonly hiddenSize: number;
  forward(x: Tensor, state?: Tree, options?: { readonly lengths?: Lengths }): [output: Tensor, state: Tree];
}

/** Hears an utterance from its first step to its own last one, and says who spoke. */
export class SpeakerClassifier extends Module {
  readonly layer: Layer;
  readonly head: Linear;

  constructor(name: LayerName, hidden: number) {
    super();
    this.layer = new layers[name](coefficients, hidden);
    this.head = new Linear(hidden, speakers);
  }

  /** x [T, B, 12] -> scores [B, 9]; without lengths all utterances are T steps long */
  forward(x: Tensor, lengths?: Lengths): Tensor {
    const [, last] = this.layer.forward(x, undefined, { lengths });
    // An LSTM has a cell state as well.
    const h = (Array.isArray(last) ? last[0] : last) as Tensor;
    return this.head.forward(h.select(0, 0));
  }

  /** x [T, B, 12] -> after each step the state [T, B, H] and the probabilities [T, B, 9] */
  listen(x: Tensor): [states: Tensor, beliefs: Tensor] {
    const [states] = this.layer.forward(x);
    return [states, softmax(this.head.forward(states), -1)];
  }
}

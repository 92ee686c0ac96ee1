import type { Tensor } from '@rnn/core';
import { Embedding, Linear, LSTM, Module, type LSTMState } from '@rnn/nn';

/** Reads characters and scores the next one at each. */
export class CharacterModel extends Module {
  readonly embedding: Embedding;
  readonly lstm: LSTM;
  readonly head: Linear;

  constructor(characters: number, units: number) {
    super();
    this.embedding = new Embedding(characters, 32);
    this.lstm = new LSTM(32, units);
    this.head = new Linear(units, characters);
  }

  /**
   * @param x - characters by number, int32 `[T, B]`
   * @param state - after the characters before; zeros unless given
   * @returns scores `[T, B, characters]`, and the state after the last
   */
  forward(x: Tensor, state?: LSTMState): [scores: Tensor, state: LSTMState] {
    const [output, next] = this.lstm.forward(this.embedding.forward(x), state);
    return [this.head.forward(output), next];
  }
}

import type { Lengths, Tensor } from '@rnn/core';
import type { Embedding, GRU, LSTM, LSTMState, Module } from '@rnn/nn';

/** The state of the layers: `[layers, B, hiddenSize]`, two of them for LSTM. */
export type DecoderState = Tensor | LSTMState;

/** What the decoder needs of a source. */
export interface Encoded {
  /** Outputs of the encoder, `[B, S, hiddenSize]`. */
  readonly memory: Tensor;
  /** What the attention compares them by. */
  readonly keys: Tensor | undefined;
  /** Steps of each source. */
  readonly lengths: readonly number[] | undefined;
  readonly state: DecoderState;
}

/** What decoding needs of a model. */
export interface Decoder extends Module {
  readonly bos: number;
  readonly eos: number;
  readonly source: Embedding | undefined;
  readonly target: Embedding;
  readonly encoder: LSTM | GRU;
  encode(source: Tensor, lengths: Lengths | undefined): Encoded;
  decodeSteps(before: Tensor, state: DecoderState, encoded: Encoded): [scores: Tensor, state: DecoderState];
}

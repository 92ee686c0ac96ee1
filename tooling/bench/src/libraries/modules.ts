import { linear, scope, stack, zeros, type Tensor } from '@rnn/core';
import { layerNorm, Module, Parameter, type Cell, type RNNCell, type LSTMState, type PlaceOptions } from '@rnn/nn';

/** The parameters that both cells below have, under the built-in cell's names. */
abstract class FourGates extends Module implements Cell<LSTMState> {
  readonly hiddenSize: number;
  readonly weight_ih: Parameter;
  readonly weight_hh: Parameter;
  readonly bias_ih: Parameter;
  readonly bias_hh: Parameter;
  readonly #place: PlaceOptions;

  /** @param heads - in how many parts the state meets the recurrent weights */
  constructor(inputSize: number, hiddenSize: number, place: PlaceOptions, heads = 1) {
    super();
    const made = (...shape: number[]): Parameter => scope(() => new Parameter(zeros(shape, place)));
    this.#place = place;
    this.hiddenSize = hiddenSize;
    this.weight_ih = made(4 * hiddenSize, inputSize);
    this.weight_hh = made(4 * hiddenSize, hiddenSize / heads);
    this.bias_ih = made(4 * hiddenSize);
    this.bias_hh = made(4 * hiddenSize);
  }

  initialState(batch = 1): LSTMState {
    const shape = [batch, this.hiddenSize];
    return [zeros(shape, this.#place), zeros(shape, this.#place)];
  }

  abstract override forward(x: Tensor, state: LSTMState): LSTMState;
}

/** A loop over the steps of a cell, as lessons write it. */
export class LoopByHand extends Module {
  readonly cell: RNNCell;

  constructor(cell: RNNCell) {
    super();
    this.cell = cell;
  }

  override forward(x: Tensor): readonly [Tensor, Tensor] {
    let h: Tensor | undefined;
    const outputs: Tensor[] = [];
    for (const step of x.unbind(0)) {
      h = this.cell.forward(step, h);
      outputs.push(h);
    }
    return [stack(outputs), outputs[outputs.length - 1]];
  }
}

/** An LSTM as somebody writes it who has read the formula and nothing else. */
export class UserLSTM extends FourGates {
  override forward(x: Tensor, [h, c]: LSTMState): LSTMState {
    const gates = x.matmul(this.weight_ih.t()).add(this.bias_ih).add(h.matmul(this.weight_hh.t())).add(this.bias_hh);
    const [i, f, g, o] = gates.chunk(4, 1);
    const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
    return [o.sigmoid().mul(next.tanh()), next];
  }
}

/**
 * Layer normalisation of both products and of the cell state: Ba, Kiros and Hinton 2016, without
 * gains.
 */
export class LayerNormalisedLSTM extends FourGates {
  override forward(x: Tensor, [h, c]: LSTMState): LSTMState {
    const rows = 4 * this.hiddenSize;
    const input = layerNorm(linear(x, this.weight_ih), rows).add(this.bias_ih);
    const recurrent = layerNorm(linear(h, this.weight_hh), rows).add(this.bias_hh);
    const [i, f, g, o] = input.add(recurrent).chunk(4, -1);
    const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
    return [o.sigmoid().mul(layerNorm(next, this.hiddenSize).tanh()), next];
  }
}

/** An LSTM whose recurrent weights are block-diagonal: each head sees its own part of the state. */
export class HeadedLSTM extends FourGates {
  readonly heads: number;

  constructor(inputSize: number, hiddenSize: number, place: PlaceOptions, heads: number) {
    super(inputSize, hiddenSize, place, heads);
    this.heads = heads;
  }

  override forward(x: Tensor, [h, c]: LSTMState): LSTMState {
    const { heads, hiddenSize } = this;
    const size = hiddenSize / heads;
    const rows = h.shape[0];
    const weights = this.weight_hh.reshape([heads, 4 * size, size]).transpose(1, 2);
    const parts = h.reshape([rows, heads, 1, size]).matmul(weights).reshape([rows, heads, 4, size]);
    const recurrent = parts.permute([0, 2, 1, 3]).reshape([rows, 4 * hiddenSize]);
    const [i, f, g, o] = linear(x, this.weight_ih, this.bias_ih).add(recurrent).add(this.bias_hh).chunk(4, -1);
    const next = f.sigmoid().mul(c).add(i.sigmoid().mul(g.tanh()));
    return [o.sigmoid().mul(next.tanh()), next];
  }
}

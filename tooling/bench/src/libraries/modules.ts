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

  constructor(inputSize: number, hiddenSize: number, place: PlaceOptions) {
    super();
    const made = (...shape: number[]): Parameter => scope(() => new Parameter(zeros(shape, place)));
    this.#place = place;
    this.hiddenSize = hiddenSize;
    this.weight_ih = made(4 * hiddenSize, inputSize);
    this.weight_hh = made(4 * hiddenSize, hiddenSize);
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

import { randn, tanh, zeros, type Tensor } from '@rnn/core';
import { Module, Parameter } from '@rnn/nn';

/** h_t = tanh(Wh h_{t-1} + Wx x_t + b) */
export class SimpleRNNCell extends Module {
  Wh: Parameter; // weight for the previous hidden state
  Wx: Parameter; // weight for the input
  b: Parameter; // bias

  constructor(inputSize: number, hiddenSize: number) {
    super();
    this.Wh = new Parameter(randn([hiddenSize, hiddenSize]));
    this.Wx = new Parameter(randn([hiddenSize, inputSize]));
    this.b = new Parameter(zeros([hiddenSize]));
  }

  forward(x: Tensor, h: Tensor): Tensor {
    return tanh(this.Wh.matmul(h).add(this.Wx.matmul(x)).add(this.b));
  }
}

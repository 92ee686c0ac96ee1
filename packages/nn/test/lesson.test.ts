import { cpu } from '@rnn/backend-cpu';
import { manualSeed, randn, setBackend, tanh, tensor, zeros, type Tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { Module, Parameter, Recurrent } from '../src/index.js';
import { expectClose } from './close.js';

beforeAll(async () => setBackend(await cpu()));

/** The cell of the lesson, line by line. */
class SimpleRNNCell extends Module {
  Wh = new Parameter(randn([2, 2]));
  Wx = new Parameter(randn([2, 3]));
  b = new Parameter(zeros([2]));

  forward(x: Tensor, h: Tensor): Tensor {
    return tanh(this.Wh.matmul(h).add(this.Wx.matmul(x)).add(this.b));
  }
}

// What PyTorch 2.15 prints after torch.manual_seed(0), and the gradients of the sum of the squared
// last state.
const printed = [
  'Time step 0: h_t = tensor([ 0.0469, -0.2779], grad_fn=<TanhBackward0>)',
  'Time step 1: h_t = tensor([0.4683, 0.8817], grad_fn=<TanhBackward0>)',
  'Time step 2: h_t = tensor([ 0.1930, -0.7174], grad_fn=<TanhBackward0>)',
  'Time step 3: h_t = tensor([ 0.9764, -0.9945], grad_fn=<TanhBackward0>)',
  'Time step 4: h_t = tensor([-0.2252, -0.9876], grad_fn=<TanhBackward0>)',
];
const gradients = {
  Wh: [-0.4439815878868103, 0.42337289452552795, -0.04519796743988991, 0.050144098699092865],
  Wx: [
    -0.34600841999053955, -0.3132674992084503, -0.011301517486572266, -0.0559854619204998, -0.03608367219597299,
    -0.025194581598043442,
  ],
  b: [-0.6414840817451477, -0.023687977343797684],
};

function expectGradients(cell: SimpleRNNCell): void {
  expectClose(cell.Wh.grad, gradients.Wh);
  expectClose(cell.Wx.grad, gradients.Wx);
  expectClose(cell.b.grad, gradients.b);
}

describe('the lesson', () => {
  it('prints what PyTorch prints for the same seed, and has its gradients', () => {
    manualSeed(0);
    const cell = new SimpleRNNCell();
    const x = randn([5, 3]);
    let h = zeros([2]);
    const lines: string[] = [];
    for (let t = 0; t < 5; t++) {
      h = cell.forward(x.select(0, t), h);
      lines.push(`Time step ${t}: h_t = ${String(h)}`);
    }
    expect(lines).toEqual(printed);
    const loss = h.square().sum();
    expect(Math.abs(loss.item() - 1.0261224508285522)).toBeLessThanOrEqual(1e-6);
    loss.backward();
    expectGradients(cell);
  });

  it('runs as a layer, too, with the same states and gradients', () => {
    manualSeed(0);
    const cell = new SimpleRNNCell();
    const x = randn([5, 3]);
    const [output, last] = new Recurrent(cell).forward(x, zeros([2]));
    expect(output.shape).toEqual([5, 2]);
    expectClose(output.select(0, 1), [0.46825170516967773, 0.8816576600074768]);
    last.square().sum().backward();
    expectGradients(cell);
  });

  it('loads the state dict of PyTorch under the names of the class', () => {
    const cell = new SimpleRNNCell();
    expect(Object.keys(cell.stateDict())).toEqual(['Wh', 'Wx', 'b']);
    cell.loadStateDict({
      Wh: tensor([
        [1, 0],
        [0, 1],
      ]),
      Wx: zeros([2, 3]),
      b: zeros([2]),
    });
    expectClose(cell.forward(zeros([3]), tensor([0.5, -0.5])), [Math.tanh(0.5), Math.tanh(-0.5)]);
  });
});

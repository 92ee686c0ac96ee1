import { cpu } from '@rnn/backend-cpu';
import { fromData, setBackend, type Tensor } from '@rnn/core';
import { GRU, Linear, LSTM, Module, mseLoss, RNN } from '@rnn/nn';
import { beforeAll, describe, expect, test } from 'vitest';
import { Adam, fit } from '../../src/index.js';
import { errorOf, referenceCase, toleranceOf } from '../reference-case.js';

beforeAll(async () => {
  setBackend(await cpu());
});

type LastOutput = Module & { forward(x: Tensor): [output: Tensor, state: unknown] };

/** A recurrent layer, and a linear one on its last output. */
class Regression extends Module {
  rnn: LastOutput;
  head: Linear;

  constructor(rnn: LastOutput, hiddenSize: number) {
    super();
    this.rnn = rnn;
    this.head = new Linear(hiddenSize, 1);
  }

  forward(x: Tensor): Tensor {
    const [output] = this.rnn.forward(x);
    return this.head.forward(output.select(0, -1));
  }
}

const layers = { rnn: RNN, lstm: LSTM, gru: GRU } as const;

describe("twenty steps of PyTorch's training", () => {
  test.each(['rnn', 'lstm', 'gru'] as const)('%s', async (kind) => {
    const name = `training_${kind}`;
    const { config, tensors } = referenceCase(name);
    const [, hiddenSize] = tensors['param.rnn.weight_hh_l0'].shape;
    const [, , inputSize] = tensors.input.shape;
    const model = new Regression(
      new layers[kind](inputSize, hiddenSize, { numLayers: config.num_layers as number }),
      hiddenSize,
    );
    const tensorOf = (key: string): Tensor => fromData(tensors[key].data, tensors[key].shape);
    const params = Object.keys(tensors).filter((key) => key.startsWith('param.'));
    model.loadStateDict(Object.fromEntries(params.map((key) => [key.slice('param.'.length), tensorOf(key)])));

    const { steps } = await fit(model, [[tensorOf('input'), tensorOf('target')] as const], {
      loss: (net, [x, y]) => mseLoss(net.forward(x), y),
      optimizer: new Adam(model.parameters(), { lr: config.lr as number }),
      steps: config.steps as number,
      clipNorm: config.clip_norm as number,
    });
    const losses = steps.map(({ loss }) => loss);
    expect(losses).toHaveLength(20);
    expect(errorOf(losses, tensors['out.losses'].data)).toBeLessThanOrEqual(toleranceOf(name));
  });
});

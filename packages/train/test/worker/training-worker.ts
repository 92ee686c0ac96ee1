/** A worker that trains, on the built packages: what the tests start. */
import { cpu } from '@rnn/backend-cpu';
import { manualSeed, setBackend, tensor, type Tensor } from '@rnn/core';
import { Linear, mseLoss } from '@rnn/nn';
import { AveragedModel, serveFit, SGD } from '@rnn/train';

export interface Arguments {
  readonly epochs?: number;
  readonly steps?: number;
  readonly lr?: number;
  readonly bad?: 'throw' | 'exit' | 'nan';
}

serveFit(async ({ epochs, steps, lr = 0.1, bad }: Arguments) => {
  if (bad === 'exit') process.exit(3);
  if (bad === 'throw') throw new TypeError('no data today');
  setBackend(await cpu());
  manualSeed(1);
  const model = new Linear(1, 1);
  const data: [Tensor, Tensor][] = [
    [tensor([[1]]), tensor([[2]])],
    [tensor([[2]]), tensor([[bad === 'nan' ? NaN : 4]])],
  ];
  return {
    model,
    data,
    options: {
      loss: (net: Linear, [x, y]: [Tensor, Tensor]) => mseLoss(net.forward(x), y),
      optimizer: new SGD(model.parameters(), { lr }),
      epochs,
      steps,
      averaged: new AveragedModel(model, { decay: 0.5 }),
      logEvery: steps === undefined ? 1 : 100,
    },
  };
});

/** The worker of the page. */
import { cpu } from '@rnn/backend-cpu';
import { manualSeed, setBackend, tensor, type Tensor } from '@rnn/core';
import { Linear, mseLoss } from '@rnn/nn';
import { serveFit, SGD } from '@rnn/train';

serveFit(async ({ steps }: { steps: number }) => {
  setBackend(await cpu());
  manualSeed(1);
  const model = new Linear(1, 1);
  const data: [Tensor, Tensor][] = [[tensor([[1], [2]]), tensor([[3], [5]])]];
  const loss = (net: Linear, [x, y]: [Tensor, Tensor]): Tensor => mseLoss(net.forward(x), y);
  return {
    model,
    data,
    options: { loss, optimizer: new SGD(model.parameters(), { lr: 0.1 }), steps, logEvery: 50 },
  };
});

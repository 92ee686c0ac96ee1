import { wasm } from '@rnn/backend-wasm';
import { manualSeed, randn, setBackend, zeros, type Tensor } from '@rnn/core';
import { LSTM, mseLoss, RNN } from '@rnn/nn';
import { gradientFlow } from '@rnn/train';

setBackend(await wasm());
manualSeed(1);
const x = randn([60, 8, 5]); // [time, batch, features]

for (const model of [new RNN(5, 16), new LSTM(5, 16, { forgetGateBias: 5 })]) {
  const loss = (_model: unknown, x: Tensor): Tensor => {
    const [outputs] = model instanceof RNN ? model.forward(x) : model.forward(x);
    return mseLoss(outputs.select(0, 59), zeros([8, 16]));
  };
  const { verdict, layers } = await gradientFlow(model, x, { loss });
  const [first, last] = [layers[0].norms[0], layers[0].norms[59]];
  console.log(model.constructor.name, verdict, first.toExponential(1), last.toExponential(1));
}

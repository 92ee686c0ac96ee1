import { wasm } from '@rnn/backend-wasm';
import { logSoftmax, logsumexp, manualSeed, scope, setBackend, softplus, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module } from '@rnn/nn';
import { Adam, DataLoader, windows } from '@rnn/train';

setBackend(await wasm());
manualSeed(1);
const M = 6; // Gaussians

class Pen extends Module {
  readonly lstm = new LSTM(3, 48);
  readonly head = new Linear(48, 5 * M + 1);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(x)[0]);
  }
}

/** -log p of the next step (dx, dy, lifted) under a mixture of Gaussians without correlation. */
function mixtureLoss(output: Tensor, target: Tensor): Tensor {
  const part = (i: number): Tensor => output.narrow(-1, i * M, M);
  const [logSx, logSy] = [part(3).clamp(-5, 3), part(4).clamp(-5, 3)];
  const x = target.narrow(-1, 0, 1).sub(part(1)).mul(logSx.neg().exp());
  const y = target.narrow(-1, 1, 1).sub(part(2)).mul(logSy.neg().exp());
  const density = x
    .square()
    .add(y.square())
    .mul(-0.5)
    .sub(logSx)
    .sub(logSy)
    .sub(Math.log(2 * Math.PI));
  const logit = output.narrow(-1, 5 * M, 1);
  const lifted = logit.mul(target.narrow(-1, 2, 1)).sub(softplus(logit));
  return logsumexp(density.add(logSoftmax(part(0), -1)), -1, true)
    .add(lifted)
    .mean()
    .neg();
}

// Pen steps [dx, dy, lifted]; here around a circle.
const steps = Array.from({ length: 300 }, (_, t) => [Math.cos(t / 6), Math.sin(t / 6), 0]);
const model = new Pen();
const optimizer = new Adam(model.parameters(), { lr: 0.005 });
const examples = windows(steps, 64, 1, { everyStep: true });
for (let epoch = 0; epoch < 8; epoch++) {
  for (const [x, y] of new DataLoader(examples, { batchSize: 16, shuffle: true })) {
    const loss = scope(() => {
      const loss = mixtureLoss(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss.item();
    });
    x.dispose();
    y.dispose();
    if (epoch === 7) console.log(loss);
  }
}

// A model out of PyTorch goes on learning here, and back: node exchange.ts [steps]
import { wasm } from '@rnn/backend-wasm';
import { fromData, setBackend, tensor, type Tensor } from '@rnn/core';
import { readPyTorch } from '@rnn/io';
import { load, save } from '@rnn/io/node';
import { Linear, LSTM, Module, mseLoss } from '@rnn/nn';
import { Adam, fit } from '@rnn/train';
import { readFile } from 'node:fs/promises';

setBackend(await wasm());
const steps = Number(process.argv[2] ?? 200);
const file = (name: string): URL => new URL(`data/${name}`, import.meta.url);

/** The class of the same name in Python, attribute by attribute. */
class Net extends Module {
  rnn = new LSTM(3, 5);
  head = new Linear(5, 3);

  forward(x: Tensor): Tensor {
    const [output] = this.rnn.forward(x);
    return this.head.forward(output.select(0, output.shape[0] - 1));
  }
}

const model = new Net();
model.loadStateDict(readPyTorch(await readFile(file('pytorch-lstm.pt'))));
const { x, y } = JSON.parse(await readFile(file('pytorch-lstm.json'), 'utf8')) as { x: number[][][]; y: number[][] };
const input = tensor(x).transpose(0, 1); // batch first there
const distance = async (a: Tensor, b: Tensor): Promise<number> => Math.max(...(await a.sub(b).abs().data()));
console.log(`as PyTorch computes it, to 1e-6: ${(await distance(model.forward(input), tensor(y))) < 1e-6}`);

const target = fromData(new Float32Array(9).fill(0.5), [3, 3]);
const history = await fit(model, [[input, target]], {
  loss: (net, [given, wanted]) => mseLoss(net.forward(given), wanted),
  optimizer: new Adam(model.parameters(), { lr: 0.01 }),
  steps,
});
const losses = history.steps.map(({ loss }) => loss);
console.log(`loss ${losses[0].toFixed(4)} -> ${losses[losses.length - 1].toFixed(4)}`);

// In Python: model.load_state_dict(safetensors.torch.load_file('net.safetensors'))
await save('net.safetensors', model);
const again = new Net();
again.loadStateDict((await load('net.safetensors')).tensors);
console.log(`the file holds the same: ${(await distance(again.forward(input), model.forward(input))) === 0}`);

// A thousand streams through one model, a sample of each at every step: node serve.ts [steps]
import { wasm } from '@rnn/backend-wasm';
import { fromData, getBackend, manualSeed, noGrad, randn, setBackend, type Tensor } from '@rnn/core';
import { Linear, LSTM, Module, type LSTMState } from '@rnn/nn';
import { stream } from '@rnn/train';

setBackend(await wasm());
manualSeed(0);
const steps = Number(process.argv[2] ?? 200);
const count = 1000;

class Sensor extends Module {
  lstm = new LSTM(8, 64);
  head = new Linear(64, 1);

  forward(x: Tensor, state?: LSTMState): [Tensor, LSTMState] {
    const [output, last] = this.lstm.forward(x, state);
    return [this.head.forward(output), last];
  }
}

const model = new Sensor();
const sessions = stream(model);
const ids = Array.from({ length: count }, (_, i) => `sensor ${i}`);
const samples = Array.from({ length: steps }, () => randn([count, 8]).dataSync() as Float32Array);
const first: number[] = [];
let seconds = 0;
let memory = getBackend().memory();
for (const [step, data] of samples.entries()) {
  const start = performance.now();
  const outputs = await sessions.step(ids, { shape: [count, 8], data });
  seconds += (performance.now() - start) / 1000;
  first.push(outputs.data[0]);
  if (step === 2) memory = getBackend().memory();
}
const grown = getBackend().memory().bytes - memory.bytes;
console.log(`${Math.round((count * steps) / seconds)} samples a second, ${grown} bytes more than at first`);

// One of them as a whole sequence, at once.
const whole = fromData(Float32Array.from(samples.flatMap((data) => Array.from(data.slice(0, 8)))), [steps, 1, 8]);
const [expected] = noGrad(() => model.forward(whole));
const off = Math.max(...(await expected.data()).map((value, i) => Math.abs(value - first[i])));
console.log(`as the whole sequence at once: ${off < 1e-4}`);

// Half of them leave, and one goes on elsewhere.
const saved = await sessions.save('sensor 7');
for (const id of ids.slice(0, count / 2)) sessions.drop(id);
const elsewhere = stream(model);
elsewhere.restore(JSON.parse(JSON.stringify(saved)) as typeof saved, 'sensor 7');
console.log(`${sessions.size} sessions here, ${elsewhere.size} elsewhere`);

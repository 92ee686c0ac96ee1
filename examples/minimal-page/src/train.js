// Twenty steps of Adam, in WebAssembly.
import { wasm } from '@rnn/backend-wasm/lean';
import { backward, manualSeed, randn, scope, setBackend } from '@rnn/core/lean';
import { LSTM, mseLoss } from '@rnn/nn/lean';
import { Adam } from '@rnn/train/lean';

// In a function, since webpack joins no modules below one that awaits outside of any.
async function train() {
  setBackend(await wasm());
  manualSeed(0);
  const lstm = new LSTM(8, 16);
  const adam = new Adam(lstm.parameters(), { lr: 0.01 });
  const [x, target] = [randn([12, 4, 8]), randn([12, 4, 16])];
  for (let step = 0; step < 20; step++) {
    const loss = scope(() => {
      const error = mseLoss(lstm.forward(x)[0], target);
      adam.zeroGrad();
      backward(error);
      adam.step();
      return error.item();
    });
    document.querySelector('output').textContent = String(loss);
  }
}
void train();

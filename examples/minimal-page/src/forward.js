// One forward pass of an LSTM, in WebAssembly. The lean entries have functions only, add(x, y),
// where the main ones also have methods, x.add(y).
import { wasm } from '@rnn/backend-wasm/lean';
import { manualSeed, randn, setBackend } from '@rnn/core/lean';
import { LSTM } from '@rnn/nn/lean';

// In a function, since webpack joins no modules below one that awaits outside of any.
async function show() {
  setBackend(await wasm());
  manualSeed(0);
  const lstm = new LSTM(8, 16);
  const [, [h]] = lstm.forward(randn([12, 1, 8]));
  document.querySelector('output').textContent = String(await h.data());
}
void show();

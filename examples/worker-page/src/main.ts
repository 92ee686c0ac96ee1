import { wasm } from '@rnn/backend-wasm';
import { setBackend } from '@rnn/core';
import { fitInWorker, forecast, progressElement } from '@rnn/train';
import { wave, Wave } from './wave.ts';

const [start, stop] = [...document.querySelectorAll('button')];
const [bar] = document.getElementsByTagName('progress');
const [loss, result] = [...document.getElementsByTagName('output')];
const steps = Number(new URLSearchParams(location.search).get('steps') ?? 300);
const worker = new Worker(new URL('training.ts', import.meta.url), { type: 'module' });
setBackend(await wasm());

start.addEventListener('click', async () => {
  const stopping = new AbortController();
  stop.addEventListener('click', () => stopping.abort(), { once: true });
  [start.disabled, stop.disabled] = [true, false];
  const onEvent = progressElement(bar, loss);
  const { history, state } = await fitInWorker(worker, { args: { steps }, onEvent, signal: stopping.signal });
  const model = new Wave();
  model.loadStateDict(state);
  const { values } = await forecast(model, wave, 30, { window: 20 });
  const off = Math.max(...Array.from(values.data, (value, i) => Math.abs(value - Math.sin((400 + i) / 5))));
  result.textContent = `${history.step} steps; 30 values on it is off by ${off.toFixed(2)}`;
  [start.disabled, stop.disabled] = [false, true];
});
start.disabled = false;

import { proxy, wrap } from 'comlink';
import type { Trainer } from './worker.ts';

const trainer = wrap<Trainer>(new Worker(new URL('worker.ts', import.meta.url), { type: 'module' }));
const [start, stop] = [...document.querySelectorAll('button')];
const [bar] = document.getElementsByTagName('progress');
const [output] = document.getElementsByTagName('output');
const steps = Number(new URLSearchParams(location.search).get('steps') ?? 300);
bar.max = steps;

start.addEventListener('click', async () => {
  [start.disabled, stop.disabled] = [true, false];
  const onStep = proxy((step: number, loss: number) => {
    bar.value = step;
    output.textContent = `step ${step}: loss ${loss.toFixed(4)}`;
  });
  const values = await trainer.train(steps, onStep);
  const off = Math.max(...values.map((value, i) => Math.abs(value - Math.sin((400 + i) / 5))));
  output.textContent += `; 30 values on it is off by ${off.toFixed(2)}`;
  [start.disabled, stop.disabled] = [false, true];
});
stop.addEventListener('click', () => void trainer.stop());

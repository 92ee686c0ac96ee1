// The result is put where the test reads it.
import { fitInWorker, progressElement, type FitEvent } from '@rnn/train';

const isAborted = new URLSearchParams(location.search).has('abort');
const worker = new Worker(new URL('./training.ts', import.meta.url), { type: 'module' });
const controller = new AbortController();
const show = progressElement(
  document.querySelector('progress') as HTMLProgressElement,
  document.querySelector('output') as HTMLElement,
);
const types = new Set<string>();
let turns = 0;
setInterval(() => turns++, 1);

let result: unknown;
try {
  const { history, state } = await fitInWorker(worker, {
    args: { steps: isAborted ? 1e9 : 1000 },
    signal: controller.signal,
    onEvent: (event: FitEvent) => {
      types.add(event.type);
      void show(event);
      if (isAborted && event.type === 'step') controller.abort();
    },
  });
  const { stopped, step } = history;
  const [weight] = state.weight.data;
  const text = document.querySelector('output')?.textContent;
  result = { stopped, step, weight, types: [...types], text, isAlive: turns > 0 };
} catch (error) {
  result = { message: String(error) };
}
document.body.dataset.result = JSON.stringify(result);

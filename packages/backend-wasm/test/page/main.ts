// The result is put where the test reads it.
import { compute } from './compute.js';

const query = new URLSearchParams(location.search);

function inside(): Promise<unknown> {
  const worker = new Worker(new URL('./inside.ts', import.meta.url), { type: 'module' });
  return new Promise((resolve) => {
    worker.addEventListener('message', ({ data }) => resolve(data), { once: true });
    worker.addEventListener('error', ({ message }) => resolve({ message }), { once: true });
  });
}

document.body.dataset.result = JSON.stringify(await (query.has('inside') ? inside() : compute(query.has('file'))));

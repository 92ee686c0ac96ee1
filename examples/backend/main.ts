// Trains on a backend of one's own, after the suite has looked at it: node main.ts [steps]
import { manualSeed, randn, setBackend } from '@rnn/core';
import { primitiveCases, runConformance } from '@rnn/conformance';
import { GRU, mseLoss } from '@rnn/nn';
import { Adam, fit } from '@rnn/train';
import { counting } from './counting-backend.ts';

const steps = Number(process.argv[2] ?? 100);
const { passed, failed } = await runConformance({ factory: counting, cases: primitiveCases(), runs: 5 });
console.log(`conformance: ${passed} cases passed, ${failed} failed`);

const backend = await counting();
setBackend(backend);
manualSeed(0);
const [model, x, y] = [new GRU(8, 16), randn([20, 4, 8]), randn([20, 4, 16])];
backend.counts.clear();
await fit(model, [[x, y]], {
  loss: (net, [input, target]) => mseLoss(net.forward(input)[0], target),
  optimizer: new Adam(model.parameters()),
  steps,
});
for (const [name, { calls, milliseconds }] of backend.counts) {
  console.log(
    `${name.padEnd(12)} ${String(calls / steps).padStart(8)} calls a step, ${(milliseconds / steps).toFixed(3)} ms`,
  );
}

/**
 * What is alive after what: through core, on a fresh instance whose storages only this case counts.
 */
import { add, mul, noGrad, randn, scope, sum, tanh, tensor, type Backend } from '@rnn/core';
import { LSTM, Linear, mseLoss } from '@rnn/nn';
import { Adam, clipGradNorm } from '@rnn/train';
import { defineCase, type ConformanceCase } from '../case.js';
import type { Checks } from '../checks.js';
import { onFresh } from '../kernels/storage.js';

/** A case on a fresh backend. `alive` notes how many storages there should be. */
function memoryCase(
  name: string,
  body: (backend: Backend, alive: (when: string, storages: number) => void, checks: Checks) => void | Promise<void>,
): ConformanceCase {
  return defineCase('memory', name, (checks, { create }) =>
    onFresh(create, async (backend) => {
      const alive = (when: string, storages: number): void => {
        const { storages: now, bytes } = backend.memory();
        checks.fact(`${when} ${now} storages of ${bytes} bytes are alive, expected ${storages}`, now === storages);
      };
      await body(backend, alive, checks);
    }),
  );
}

/** What a training loop must not leave behind. */
export function memoryCases(): ConformanceCase[] {
  return [
    memoryCase('dispose frees a tensor, the last of those that share it', (backend, alive) => {
      const x = tensor([1, 2, 3], { backend });
      const view = x.reshape([3, 1]);
      alive('with a tensor and its reshape', 1);
      x.dispose();
      alive('after one of the two is gone', 1);
      view.dispose();
      alive('after both are gone', 0);
    }),
    memoryCase('a scope frees everything but what it returns', (backend, alive) => {
      const result = scope(() => {
        const x = tensor([1, 2, 3], { backend });
        return tanh(add(mul(x, x), 1));
      });
      alive('after the scope', 1);
      result.dispose();
      alive('after its result', 0);
    }),
    memoryCase('an error in a scope leaves nothing', (backend, alive, checks) => {
      let caught: unknown;
      try {
        scope(() => {
          const x = tensor([1, 2, 3], { backend });
          add(mul(x, x), tensor([1, 2], { backend }));
        });
      } catch (error) {
        caught = error;
      }
      checks.fact('shapes [3] and [2] were added without an error', caught !== undefined);
      alive('after the error', 0);
    }),
    memoryCase('backward frees what the graph alone holds', (backend, alive) => {
      const x = tensor([1, 2, 3], { backend, requiresGrad: true });
      const loss = scope(() => sum(tanh(mul(x, x))));
      loss.backward();
      loss.dispose();
      alive('with a leaf and its gradient', 2);
      x.dispose();
      alive('after the leaf', 0);
    }),
    memoryCase('noGrad keeps nothing alive', (backend, alive) => {
      const x = tensor([1, 2, 3], { backend, requiresGrad: true });
      const y = noGrad(() => scope(() => tanh(mul(x, x))));
      alive('with an input and a result', 2);
      for (const each of [x, y]) each.dispose();
      alive('after both', 0);
    }),
    memoryCase('a training step leaves the memory as it was, thirty times over', (backend, _alive, checks) =>
      train(backend, checks),
    ),
  ];
}

function train(backend: Backend, checks: Checks): void {
  const layer = new LSTM(3, 4, { numLayers: 2, bidirectional: true, backend });
  const head = new Linear(8, 1, { backend });
  const parameters = [...layer.parameters(), ...head.parameters()];
  const optimizer = new Adam(parameters, { lr: 0.01 });
  const x = randn([5, 2, 3], { backend });
  const y = randn([2, 1], { backend });
  const step = (): void =>
    scope(() => {
      optimizer.zeroGrad();
      const [output] = layer.forward(x, undefined, { lengths: [5, 3] });
      const loss = mseLoss(head.forward(output.select(0, 0)), y);
      loss.backward();
      clipGradNorm(parameters, 1);
      optimizer.step();
    });
  // The first step makes gradients and the optimiser's state.
  step();
  const first = backend.memory();
  for (let i = 2; i <= 30; i++) {
    step();
    const now = backend.memory();
    checks.fact(
      `after step ${i} ${now.storages} storages of ${now.bytes} bytes are alive, after the first it were ${first.storages} of ${first.bytes}`,
      now.storages === first.storages && now.bytes === first.bytes,
    );
  }
  for (const resource of [optimizer, layer, head, x, y]) resource.dispose();
  const { storages } = backend.memory();
  checks.fact(`${storages} storages are alive after model, optimiser and data are gone, expected 0`, storages === 0);
}

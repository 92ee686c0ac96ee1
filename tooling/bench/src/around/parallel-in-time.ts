import { wasm } from '@rnn/backend-wasm';
import { manualSeed, randn, setBackend, type Backend } from '@rnn/core';
import { LRU, MinGRUCell, MinLSTMCell, Recurrent } from '@rnn/nn';
import { digits } from '../report/grid.ts';
import type { Section } from './section.ts';
import { bestStep } from './trained-step.ts';

const [STEPS, FEATURES, UNITS] = [16_384, 8, 64];

/** The same backend without its compiler, as one that somebody begins to write. */
function withoutCompile(backend: Backend): Backend {
  return new Proxy(backend, {
    get(target, name): unknown {
      if (name === 'compile') return undefined;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Long recurrences that are linear in the carry. */
export async function parallelInTime(backend: Backend): Promise<Section> {
  const plain = withoutCompile(await wasm({ threads: 1 }));
  const models = {
    MinGRU: () => new Recurrent(new MinGRUCell(FEATURES, UNITS)),
    MinLSTM: () => new Recurrent(new MinLSTMCell(FEATURES, UNITS)),
    LRU: () => new LRU(FEATURES, UNITS),
  };
  return {
    title: `A training step in float32 at B = 1, T = ${STEPS}, H = ${UNITS}, in ms`,
    header: ['', 'compiled', 'step by step', 'parallel in time', 'factor'],
    rows: Object.entries(models).map(([name, make]) => ({
      name,
      cells: () => {
        const time = (where: Backend, compile: 'required' | 'never'): number => {
          setBackend(where);
          manualSeed(0);
          const model = make() as LRU;
          const x = randn([STEPS, 1, FEATURES]);
          // What goes step by step takes some ten seconds, and compiles nothing.
          const [runs, warmup] = compile === 'never' ? [1, 0] : [2, 1];
          return bestStep(model, () => model.forward(x, undefined, { compile })[0], runs, warmup);
        };
        try {
          const loop = time(backend, 'required');
          const [steps, blocks] = [time(plain, 'never'), time(plain, 'required')];
          return [digits(loop), digits(steps), digits(blocks), (steps / blocks).toFixed(1)];
        } finally {
          setBackend(backend);
        }
      },
    })),
  };
}

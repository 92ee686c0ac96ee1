import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { wasm } from '@rnn/backend-wasm';
import { getBackend, manualSeed, randn, scope, setBackend, type Backend, type Tensor } from '@rnn/core';
import { LRU, LSTM, MinGRUCell, Recurrent, type Module } from '@rnn/nn';
import { table } from 'table';
import { flatLoops, longestGap } from './loops.ts';

/**
 * Prints times and sizes of what stands around a layer: from import to the first trained step,
 * sequences of different lengths, long linear recurrences, and what loops leave to others.
 *
 * @param python - a Python with torch, to stand beside
 */
export async function runAround(python: string | undefined): Promise<void> {
  print('From import to the end of the first trained step, ms (the second step)', firstSteps(python));
  setBackend(await wasm({ threads: 1 }));
  print('A training step of an LSTM, 32 rows of 64 steps, 128 units: half of the steps are padding', lengthRows());
  print('A training step in float32 at B = 1, T = 16,384, H = 64, ms', await parallelRows());
  const gap = await longestGap();
  print('The event loop beside fit', [
    ['steps', 'ms a step', 'longest gap, ms'],
    [gap.steps, gap.step.toFixed(2), gap.gap.toFixed(1)],
  ]);
  const loops = await flatLoops(getBackend());
  print('What loops leave behind after their first 100 steps', [
    ['loop', 'steps', 'storages more', 'bytes more'],
    ...loops.map(({ name, steps, storages, bytes }) => [name, steps, storages, bytes]),
  ]);
}

type Row = readonly (string | number)[];

function print(title: string, rows: readonly Row[]): void {
  console.log(`\n${title}\n${table(rows.map((row) => [...row]))}`);
}

/** Each in a process of its own: ours the best of three, others once, as they take long. */
function firstSteps(python: string | undefined): Row[] {
  const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
  const best = (command: string, args: readonly string[], count = 1): string => {
    const runs = Array.from({ length: count }, () => {
      const said = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
      return JSON.parse(said) as [first: number, second: number];
    }).sort(([a], [b]) => a - b);
    return `${runs[0][0].toFixed(0)} (${runs[0][1].toFixed(1)})`;
  };
  if (python !== undefined && !existsSync(python)) throw new Error(`there is no Python at ${python}`);
  const layers = [1, 2, 6];
  const rows: Row[] = [
    ['layers', ...layers],
    ['@rnn', ...layers.map((count) => best(process.execPath, [file('first-step-process.ts'), String(count)], 3))],
  ];
  if (python !== undefined) {
    const script = file('../../peers/first_step.py');
    for (const how of ['eager', 'compile'])
      rows.push([
        how === 'eager' ? 'PyTorch' : 'torch.compile',
        ...layers.map((count) => best(python, [script, String(count), how])),
      ]);
  }
  return rows;
}

/** The best of several runs, in milliseconds. */
function best(work: () => void, runs: number): number {
  let least = Infinity;
  for (let n = 0; n <= runs; n++) {
    const start = performance.now();
    scope(work);
    if (n > 0) least = Math.min(least, performance.now() - start);
  }
  return least;
}

function train(model: Module, forward: () => Tensor): void {
  forward().square().mean().backward();
  for (const parameter of model.parameters()) parameter.grad = undefined;
}

function lengthRows(): Row[] {
  manualSeed(0);
  const model = new LSTM(64, 128);
  const x = randn([64, 32, 64]);
  const lengths = Array.from({ length: 32 }, (_, row) => 1 + Math.round((row / 31) * 63));
  const padded = best(() => train(model, () => model.forward(x)[0]), 8);
  const packed = best(() => train(model, () => model.forward(x, undefined, { lengths })[0]), 8);
  return [
    ['all steps, ms', 'with lengths, ms', 'quotient'],
    [padded.toFixed(1), packed.toFixed(1), (packed / padded).toFixed(2)],
  ];
}

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

async function parallelRows(): Promise<Row[]> {
  const rows: Row[] = [['', 'compiled loop', 'by primitives, step by step', 'parallel in time', 'factor']];
  const compiled = await wasm({ threads: 1 });
  const plain = withoutCompile(await wasm({ threads: 1 }));
  for (const name of ['MinGRU', 'LRU']) {
    const time = (backend: Backend, compile: 'required' | 'never'): number => {
      setBackend(backend);
      manualSeed(0);
      const model = name === 'LRU' ? new LRU(8, 64) : new Recurrent(new MinGRUCell(8, 64));
      const x = randn([16_384, 1, 8]);
      return best(() => train(model, () => (model as LRU).forward(x, undefined, { compile })[0]), 2);
    };
    const [loop, steps, blocks] = [time(compiled, 'required'), time(plain, 'never'), time(plain, 'required')];
    rows.push([name, loop.toFixed(1), steps.toFixed(0), blocks.toFixed(0), (steps / blocks).toFixed(1)]);
  }
  setBackend(compiled);
  return rows;
}

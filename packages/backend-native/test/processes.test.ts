/**
 * Several backends in one process, each in a thread of Node's, and a process that ends without a
 * word.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { built } from './built.js';

const module = (path: string): string => JSON.stringify(pathToFileURL(join(import.meta.dirname, '../..', path)).href);

/** Enough rows that every thread of a backend has a share of them. */
const work = `
import { native } from ${module('backend-native/dist/index.js')};
import { setBackend, manualSeed, randn } from ${module('core/dist/index.js')};
import { LSTM } from ${module('nn/dist/index.js')};
setBackend(await native({ threads: 2 }));
/** A training step of a new layer, the same each time: the gradient of its weights. */
export function train() {
  manualSeed(0);
  const layer = new LSTM(16, 32);
  const [output] = layer.forward(randn([20, 256, 16]));
  output.square().mean().backward();
  return layer.weight_hh_l0.grad.dataSync().join();
}
`;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rnn-native-'));
  writeFileSync(join(folder, 'work.mjs'), work);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program in a process of its own, which has to end by itself. */
function run(code: string): string {
  writeFileSync(join(folder, 'main.mjs'), code);
  return execFileSync(process.execPath, ['main.mjs'], { cwd: folder, encoding: 'utf8', timeout: 120_000 });
}

built('processes', () => {
  test('a process whose backend has threads ends without dispose', () => {
    expect(run(`import { train } from './work.mjs'; console.log(train().split(',').length);`)).toBe('4096\n');
  });

  test('backends in worker threads compute beside one another, and one that ends disturbs no other', () => {
    const code = `
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { train } from './work.mjs';
const start = () => new Worker(new URL(import.meta.url));
if (isMainThread) {
  const own = train();
  const answers = await Promise.all([start(), start(), start()].map((worker) => once(worker, 'message')));
  console.log(answers.map(([answer]) => answer === own).join(' '));
  // Its threads go with it, in the midst of what they do.
  const ended = start();
  await once(ended, 'online');
  await ended.terminate();
  console.log(train() === own);
} else {
  for (let i = 0; i < 20; i++) train();
  parentPort.postMessage(train());
}`;
    expect(run(code)).toBe('true true true\ntrue\n');
  });
});

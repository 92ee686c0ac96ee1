/** How much a call that comes again does besides arithmetic: at the size of a lesson it is all. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { root } from '../src/packages.ts';

const exec = promisify(execFile);

// V8 counts the calls, in a process of its own, where nothing else runs.
const program = `
  import { Session } from 'node:inspector';
  import { noGrad, randn, scope, setBackend } from '@rnn/core';
  import { wasm } from '@rnn/backend-wasm';
  import * as nn from '@rnn/nn';
  setBackend(await wasm({ threads: 1 }));
  const session = new Session();
  session.connect();
  const ask = (name, options) => {
    let answer;
    session.post(name, options, (error, result) => { if (error) throw error; answer = result; });
    return answer;
  };
  ask('Profiler.enable');
  ask('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  const counts = {};
  for (const cell of ['RNN', 'LSTM', 'GRU']) {
    const layer = new nn[cell](3, 2);
    const x = randn([5, 1, 3]);
    for (let i = 0; i < 3; i++) scope(() => noGrad(() => void layer.forward(x)));
    scope(() => noGrad(() => {
      ask('Profiler.takePreciseCoverage'); // sets the counts to zero
      layer.forward(x);
      const { result } = ask('Profiler.takePreciseCoverage');
      const ours = result.filter(({ url }) => url.includes('/packages/'));
      const calls = ours.flatMap(({ functions }) => functions.map(({ ranges }) => ranges[0].count));
      counts[cell] = calls.reduce((sum, count) => sum + count, 0);
    }));
  }
  console.log(JSON.stringify(counts));
`;

test('a forward of a layer that comes again, without gradients, makes at most 120 calls of functions', async () => {
  const { stdout } = await exec(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: `${root}/tooling/package-checks`,
  });
  const counts = JSON.parse(stdout) as Record<string, number>;
  expect(Object.keys(counts)).toEqual(['RNN', 'LSTM', 'GRU']);
  for (const count of Object.values(counts)) {
    expect(count).toBeGreaterThan(20); // it was counted at all
    expect(count).toBeLessThanOrEqual(120);
  }
});

/**
 * An exported module as a file: what it needs, what it allocates, how large it is, and what its
 * types say.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { cpu } from '@rnn/backend-cpu';
import { manualSeed, noGrad, randint, randn, setBackend } from '@rnn/core';
import { Embedding, Linear, LSTM, Module } from '@rnn/nn';
import { CharVocabulary, MinMaxScaler, StandardScaler, WordVocabulary } from '@rnn/train';
import type { Tensor } from '@rnn/core';
import { exportModule, type ExportedModule } from '../../src/index.js';
import { imported, inFolder } from './exported.js';

setBackend(await cpu());
manualSeed(11);
const run = promisify(execFile);

class CharModel extends Module {
  readonly embedding = new Embedding(5, 8);
  readonly lstm = new LSTM(8, 16);
  readonly head = new Linear(16, 5);
  forward(x: Tensor): Tensor {
    return this.head.forward(this.lstm.forward(this.embedding.forward(x))[0]);
  }
}

const lstm = new LSTM(64, 64);
const vocabulary = new CharVocabulary('hello', { unknown: '?' });
let exported: ExportedModule;
let chars: ExportedModule;
beforeAll(() => {
  exported = exportModule(lstm, [randn([5, 1, 64])]);
  chars = exportModule(new CharModel(), [randint(0, 5, [4, 1])], { vocabulary });
});

/** Runs a program beside `model.mjs` in a folder that holds nothing else. */
function beside(module: ExportedModule, program: string, flags: readonly string[] = []): Promise<unknown> {
  return inFolder(async (folder) => {
    writeFileSync(join(folder, 'model.mjs'), module.code);
    writeFileSync(join(folder, 'main.mjs'), program);
    const { stdout } = await run(process.execPath, [...flags, 'main.mjs'], { cwd: folder });
    return JSON.parse(stdout) as unknown;
  });
}

test('runs under Node in an empty folder', async () => {
  const xs = randn([3, 1, 64]);
  const [y] = noGrad(() => lstm.forward(xs));
  const program = `import { engine, run } from './model.mjs';
    console.log(JSON.stringify([engine, Array.from(run([${Array.from(xs.dataSync()).join()}]))]));`;
  const [engine, received] = (await beside(exported, program)) as [string, number[]];
  expect(engine).toBe('wasm');
  const distances = Array.from(y.dataSync(), (value, i) => Math.abs(value - received[i]));
  expect(Math.max(...distances)).toBeLessThanOrEqual(1e-6);
});

test('computes in plain JavaScript where there is no WebAssembly, or none with vectors', async () => {
  const program = (removal: string): string => `${removal}
    const { engine, run, create } = await import('./model.mjs');
    let refusal = '';
    try { create('wasm'); } catch (error) { refusal = error.constructor.name; }
    console.log(JSON.stringify([engine, run(new Float32Array(64)).length, refusal]));`;
  expect(await beside(exported, program('delete globalThis.WebAssembly;'))).toEqual(['js', 64, 'ReferenceError']);
  const noVectors = `WebAssembly.Module = class { constructor() { throw new WebAssembly.CompileError('no SIMD'); } };`;
  expect(await beside(exported, program(noVectors))).toEqual(['js', 64, 'CompileError']);
});

describe.each(['wasm', 'js'])('a step by %s', (engine) => {
  test('allocates nothing', async () => {
    // A young generation that no step fills, so that nothing is collected while it is counted.
    // Plain JavaScript boxes numbers until the engine has compiled it, so it is warmed up;
    // WebAssembly is counted from the second step on.
    const flags = ['--min-semi-space-size=128', '--max-semi-space-size=128'];
    const program = `import { create } from './model.mjs';
      const { step, initialState } = create('${engine}');
      const [state, out] = [initialState(), new Float32Array(8)];
      const inputs = [new Float32Array(8).fill(0.5), Array.from({ length: 8 }, () => 0.25)];
      const kept = [];
      const counted = (fn, count) => {
        const before = process.memoryUsage().heapUsed;
        for (let i = 0; i < count; i++) fn(i);
        return process.memoryUsage().heapUsed - before;
      };
      const plain = (i) => { step(inputs[0], state); };
      const given = (i) => { step(inputs[i & 1], state, out); };
      const control = (i) => { kept[0] = [i]; };
      const least = (fn, count) => Math.min(...Array.from({ length: 8 }, () => counted(fn, count)));
      const warmUp = ${engine === 'wasm' ? 1 : 300_000};
      counted(plain, warmUp), counted(given, warmUp);
      const idle = least(() => {}, 1);
      console.log(JSON.stringify([least(plain, 1e5) - idle, least(given, 1e5) - idle, least(control, 1e5) - idle]));`;
    const small = exportModule(new LSTM(8, 8), [randn([5, 1, 8])]);
    const [plain, given, control] = (await beside(small, program, flags)) as number[];
    // 100 000 steps: not one number of them.
    expect(plain).toBeLessThan(10_000);
    expect(given).toBeLessThan(10_000);
    expect(control).toBeGreaterThan(1_000_000);
  });

  test('leaves its output in one array, or in the one that is given', async () => {
    const { create } = await imported(exported);
    const { step, initialState } = create(engine);
    const [state, x, out] = [initialState(), new Float32Array(64).fill(1), new Float32Array(64)];
    const first = step(x, state);
    const copy = Array.from(first);
    expect(step(x, state)).toBe(first);
    expect(Array.from(first)).not.toEqual(copy);
    expect(step(x, initialState(), out)).toBe(out);
    expect(Array.from(out)).toEqual(copy);
  });

  test('takes what a step is, and says what else came', async () => {
    const { create } = await imported(exported);
    const { step, run: runAll, initialState } = create(engine);
    const state = initialState();
    expect(() => step(new Float32Array(63), state)).toThrow('step: x has 63 numbers, expected 64');
    expect(() => create('gpu')).toThrow("create: engine is gpu, expected 'auto', 'wasm' or 'js'");
    expect(() => step(new Float32Array(64), state, new Float32Array(65))).toThrow(
      'step: out has 65 numbers for y, expected 64',
    );
    expect(() => step(1, state)).toThrow('step: x has 1 numbers, expected 64');
    expect(() => step(new Float32Array(64), {})).toThrow(
      /state.h has undefined numbers, expected 64; initialState\(\)/,
    );
    expect(() => runAll(new Float32Array(65))).toThrow(/xs has 65 numbers, expected 1 x steps x 64/);
    expect(() => runAll(new Float32Array(128), undefined, [1, 2])).toThrow(
      /lengths\[1\] is 2, expected .* from 0 to 1/,
    );
    expect(() => runAll(new Float32Array(128), state, [1, 1])).toThrow(/a list with a state for each row/);
    expect(() => runAll(new Float32Array(128), [state, state])).toThrow(/a list with a state for each row/);
    const tokens = (await imported(chars)).create(engine);
    expect(() => tokens.step(5, tokens.initialState())).toThrow('x holds 5, expected a token from 0 to 4');
    expect(() => tokens.run([0, -1])).toThrow('x holds -1, expected a token from 0 to 4');
    expect(() => tokens.run([0.5])).toThrow('x holds 0.5, expected a token from 0 to 4');
  });
});

test('the runtime without the weights has at most 12 kB of gzip', () => {
  for (const { code } of [exported, chars]) {
    const runtime = code.replace(/^const weights = .*$/m, '');
    expect(runtime.length).toBeLessThan(code.length - 1000);
    expect(gzipSync(runtime).length).toBeLessThanOrEqual(12_000);
  }
});

test('the text asks for nothing of its surroundings', () => {
  const { code } = chars;
  const runtime = code.replaceAll(/^const (weights|kernels) = .*$/gm, '');
  expect(runtime).not.toMatch(
    /\b(fetch|XMLHttpRequest|Worker|self|window|document|process|require|import|eval|Function|setTimeout|atob|Buffer|TextDecoder|globalThis)\b/,
  );
});

test('float16 weights halve the text, and the results stay near', async () => {
  const half = exportModule(lstm, [randn([5, 1, 64])], { weights: 'float16' });
  expect(half.code.length).toBeLessThan(0.55 * exported.code.length);
  const xs = randn([6, 1, 64]).dataSync();
  const [expected, received] = [(await imported(exported)).run(xs), (await imported(half)).run(xs)];
  // Weights below 1/8 are rounded by at most 2^-15 of 1/8 = 3.8e-6; sums of 128 of them, through
  // gates with slopes of at most 1.
  const distances = Array.from(expected, (value, i) => Math.abs(value - received[i]));
  expect(Math.max(...distances)).toBeLessThan((128 * 2 ** -14) / 8);
  expect(Math.max(...distances)).toBeGreaterThan(0);
});

test('a vocabulary goes along', async () => {
  const { vocabulary: own } = await imported(chars);
  expect(own.tokens).toEqual(vocabulary.tokens);
  expect(own.encode('hole!')).toEqual(vocabulary.encode('hole!'));
  expect(own.decode(vocabulary.encode('hole!'), true)).toBe(
    vocabulary.decode(vocabulary.encode('hole!'), { skipSpecials: true }),
  );

  const words = new WordVocabulary(['the cat', 'the dog </script>'], { specials: ['<pad>'] });
  const model = exportModule(new Linear(1, 1), [randn([3, 1])], { vocabulary: words });
  expect(model.code).not.toContain('</script>');
  const module = await imported(model);
  expect(module.vocabulary.encode(' dog\nthe  </script>')).toEqual(words.encode('dog the </script>'));
  expect(module.vocabulary.decode([1, 0, 2])).toBe(words.decode([1, 0, 2]));
  expect(() => module.vocabulary.encode('cow')).toThrow('"cow" is not in the vocabulary');

  // A function does not travel.
  const tokenize = (text: string): string[] => text.toLowerCase().split(' ');
  const lower = new WordVocabulary(['The Cat'], { tokenize, unknown: '<UNK>' });
  const other = await imported(exportModule(new Linear(1, 1), [randn([3, 1])], { vocabulary: lower }));
  expect(other.vocabulary.encode(['cat', 'the', 'dog'])).toEqual(Int32Array.of(1, 2, 0));
});

test('a scaler goes along', async () => {
  const values = [
    [1, 10, 5],
    [3, 30, 5],
    [4, 20, 5],
  ];
  for (const scaler of [new StandardScaler(), new MinMaxScaler({ range: [-1, 3] })]) {
    scaler.fit(values);
    const { scaler: own } = await imported(exportModule(lstm, [randn([2, 1, 64])], { scaler }));
    const transformed = scaler.transform([[2, 15, 5]]).data;
    expect(own.transform([2, 15, 5])).toEqual(transformed);
    expect(own.inverse(transformed)).toEqual(Float32Array.from(scaler.inverse([Array.from(transformed)]).data));
    const out = new Float32Array(1);
    expect(own.inverse([0.5], out, [1])).toBe(out);
    expect(out).toEqual(Float32Array.from(scaler.inverse([0.5], { features: 1 }).data));
    expect(() => own.transform([1, 2])).toThrow(/2 values, expected rows of the features \[0, 1, 2\] out of 3/);
  }
});

test('names and texts in a model are data', async () => {
  const text = "'];globalThis.broken = true;//`${globalThis.broken = true}*/\u2028";
  const odd = new CharVocabulary([text]);
  const { code, types } = exportModule(new Linear(1, 1), [randn([3, 1])], { vocabulary: odd });
  const { vocabulary: own } = await imported({ code, types });
  expect(own.tokens).toEqual(odd.tokens);
  expect(globalThis).not.toHaveProperty('broken');
});

test('the types fit what they describe', async () => {
  const use = `import { contract, create, engine, initialState, run, step, type Model, type Output, type State } from './model.mjs';
    const state: State = initialState();
    const y: Float32Array = step(new Float32Array(64), state, new Float32Array(64));
    const all: Output = run([1, 2, 3], state);
    const batch: Output = run(new Float32Array(128), [state, initialState()], [1, 1]);
    const other: Model = create('js');
    const road: 'wasm' | 'js' = engine;
    const shape: readonly number[] = contract.state.h.shape;
    state.h = new Float32Array(64);
    // @ts-expect-error a state needs both
    const half: State = { h: new Float32Array(64) };
    // @ts-expect-error 64 numbers are no number
    step(1, state);
    // @ts-expect-error a step needs a state
    step(new Float32Array(64));
    // @ts-expect-error there is no such engine
    create('gpu');
    // @ts-expect-error there is no such state
    state.m;
    // @ts-expect-error no vocabulary went along
    import('./model.mjs').then(({ vocabulary }) => vocabulary);
    export { y, all, batch, other, road, shape, half };`;
  const useChars = `import { initialState, step, vocabulary } from './chars.mjs';
    const y: Float32Array = step(3, initialState());
    const text: string = vocabulary.decode(vocabulary.encode('hello'));
    export { y, text };`;
  const useBoth = `import { run, step } from './both.mjs';
    const { policy, value } = run([1, 2]);
    const [a, b]: Float32Array[] = [policy, value];
    // @ts-expect-error it needs its whole sequence
    step([1], {});
    export { a, b };`;
  class Both extends Module {
    readonly rnn = new LSTM(1, 2, { bidirectional: true });
    forward(x: Tensor): { policy: Tensor; value: Tensor } {
      const [policy] = this.rnn.forward(x);
      return { policy, value: policy.sum(-1) };
    }
  }
  const both = exportModule(new Both(), [randn([3, 1, 1])]);
  await inFolder(async (folder) => {
    const files = {
      'model.d.mts': exported.types,
      'chars.d.mts': chars.types,
      'both.d.mts': both.types,
      'use.mts': use,
      'use-chars.mts': useChars,
      'use-both.mts': useBoth,
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const tsc = join(import.meta.dirname, '../../../../node_modules/typescript/bin/tsc');
    const compilerOptions = {
      noEmit: true,
      strict: true,
      module: 'nodenext',
      target: 'es2022',
      lib: ['es2022'],
      types: [],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }));
    const result = await run(process.execPath, [tsc, '-p', '.'], { cwd: folder }).catch(
      ({ stdout }: { stdout: string }) => ({ stdout }),
    );
    expect(result.stdout).toBe('');
  });
});

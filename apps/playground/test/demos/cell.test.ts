import { readFile } from 'node:fs/promises';
import { cpu } from '@rnn/backend-cpu';
import { LSTMCell, GRUCell } from '@rnn/nn';
import { setBackend, tensor } from '@rnn/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseLesson, type Lesson } from '../../src/data/lesson.ts';
import { Inspector, type Origin } from '../../web/src/demos/cell/inspect.ts';
import { formulasOf, torchLines } from '../../web/src/demos/cell/language/notation.ts';
import { limits, parseCell } from '../../web/src/demos/cell/language/parse.ts';
import { CellError, placeOf } from '../../web/src/demos/cell/language/syntax.ts';
import { presets } from '../../web/src/demos/cell/presets.ts';
import { runCell, steps, type CellRun } from '../../web/src/demos/cell/trace.ts';

let lesson: Lesson;

beforeAll(async () => {
  setBackend(await cpu());
  lesson = parseLesson(await readFile(new URL('../../data/lesson.json', import.meta.url), 'utf8'));
});

async function run(text: string): Promise<CellRun> {
  const { run, error } = await runCell({ text, seed: 0 });
  if (run === undefined) throw new Error(error.message);
  return run;
}

async function refusal(text: string): Promise<string> {
  const { error } = await runCell({ text, seed: 0 });
  if (error === undefined) throw new Error('The text was not refused.');
  const { line, column } = placeOf(text, error.from);
  return `${line}:${column} ${error.message}`;
}

/** A cell with one line in its step. */
const withLine = (line: string): string =>
  `const W = randn([H, H]);\nconst step = (x, h) => {\n  ${line}\n  return h;\n};`;

function close(got: ArrayLike<number>, expected: readonly number[]): void {
  expect(got.length).toBe(expected.length);
  expected.forEach((value, i) => expect(got[i]).toBeCloseTo(value, 6));
}

describe('A cell of the language', () => {
  it('draws and computes the numbers that PyTorch printed for the lesson', async () => {
    const { weights, inputs, states, program } = await run(presets.rnn);
    close(weights.get('Wh')?.values ?? [], lesson.W_h.flat());
    close(weights.get('Wx')?.values ?? [], lesson.W_x.flat());
    close(inputs.values, lesson.x.flat());
    close(states.get('h')?.values ?? [], [0, 0, ...lesson.h.flat()]);
    expect(program.mode).toBe('compiled');
    expect(program.text).toContain('tanh');
  });

  it.each(['lstm', 'gru'] as const)('computes as the %s of the library does', async (name) => {
    const { weights, inputs, states } = await run(presets[name]);
    const [cell, gates] = name === 'lstm' ? [new LSTMCell(3, 2), 4] : [new GRUCell(3, 2), 3];
    const part = (key: string): number[] => Array.from(weights.get(key)?.values ?? []);
    cell.loadStateDict({
      weight_ih: tensor(part('W')).reshape([2 * gates, 3]),
      weight_hh: tensor(part('U')).reshape([2 * gates, 2]),
      bias_ih: tensor(part('b')),
      bias_hh: tensor(part('b')),
    });
    const xs = tensor([...inputs.values]).reshape([steps, 3]);
    let [h, c] = [tensor([0, 0]), tensor([0, 0])];
    for (const [t, x] of xs.unbind(0).entries()) {
      if (cell instanceof LSTMCell) [h, c] = cell.forward(x, [h, c]);
      else h = cell.forward(x, h);
      expect(states.get('h')?.values[2 * t + 2]).toBeCloseTo(h.dataSync()[0], 6);
      expect(states.get('h')?.values[2 * t + 3]).toBeCloseTo(h.dataSync()[1], 6);
    }
  });

  it('takes its state as an object, and sizes from the text', async () => {
    const text = `const H = 4;
const A = randn([H, X]);
const step = (x, { slow, fast }) => {
  const f = sigmoid(A.matmul(x));
  const s = slow.mul(0.9).add(f.mul(1 / 10));
  return { fast: maximum(f, 0.5), slow: s };
};`;
    const { states, sizes, program } = await run(text);
    expect(sizes.H).toBe(4);
    expect([...states.keys()]).toEqual(['slow', 'fast']);
    expect(Math.min(...(states.get('fast')?.values.slice(4) ?? []))).toBeGreaterThanOrEqual(0.5);
    expect(program.mode).toBe('compiled');
  });

  it('is refused in place, with what to do', async () => {
    const cases: readonly (readonly [text: string, place: string, words: string])[] = [
      ['const step = (x, h) => {', '1:25', 'bracket'],
      ['const W = randn([H, H]);', '1:24', 'The step is missing'],
      [withLine('for (;;) {}'), '3:3', 'A loop cannot stand here'],
      [withLine('let a = tanh(h);'), '3:3', 'Write const instead of let'],
      [withLine('const a = fetch(x);'), '3:13', 'There is no function fetch'],
      [withLine('const a = tanh(y);'), '3:18', 'There is no y here. Known are H, X, W, x, h'],
      [withLine('const a = x + h;'), '3:13', 'Tensors have no +: write a.add(b)'],
      [withLine('const a = h.constructor;'), '3:13', 'Nothing can be read from a value'],
      [withLine("const a = h['add'](h);"), '3:13', 'Call a method by its name'],
      [withLine('const a = W.matmul(x);'), '3:13', 'matmul'],
      [withLine('const a = randn([H]);'), '3:13', 'made once'],
      [withLine('const a = tanh(h, h);'), '3:13', 'tanh takes 1 value'],
      [withLine('const a = ((y) => y)(h);'), '3:14', 'by name'],
      [withLine('const a = `${h}`;'), '3:13', 'A text cannot stand'],
      [withLine('const h = tanh(x);'), '3:9', 'There is h already'],
      ['const step = (x, h) => concat([h, h]);', '1:24', 'The next state has the shape [4]'],
      ['const step = (x, [h, c]) => h;', '1:29', 'a list of 2'],
      ['const step = (x) => x;', '1:14', 'takes an input and a state'],
      ['const W = randn([9999, 9999]);\nconst step = (x, h) => h;', '1:17', 'in a cell it may hold 4,096'],
      ['const H = 100000;\nconst step = (x, h) => h;', '1:11', 'whole number from 1 to 64'],
    ];
    for (const [text, place, words] of cases) {
      const message = await refusal(text);
      expect(message.slice(0, place.length + 1), `${text}: ${message}`).toBe(`${place} `);
      expect(message).toContain(words);
      expect(message).not.toMatch(/undefined|\[object/);
    }
  });

  it('is bounded: a hostile text is refused before it costs anything', async () => {
    const doubling = Array.from({ length: 60 }, (_, i) => `const a${i + 1} = concat([a${i}, a${i}]);`).join('\n');
    expect(await refusal(`const step = (x, h) => {\nconst a0 = tanh(h);\n${doubling}\nreturn h;\n};`)).toContain(
      '4,096',
    );
    expect(await refusal(withLine(`const a = ${'tanh('.repeat(300)}h${')'.repeat(300)};`))).toContain('nested');
    expect(await refusal(withLine(`const a = [${'h,'.repeat(500)}];`))).toContain(`${limits.nodes} parts`);
    expect(await refusal('a'.repeat(100_000))).toContain('100000 characters');
  });

  it('never runs the text', () => {
    const trap = withLine('const a = (globalThis.trapped = 1);');
    expect(() => parseCell(trap)).toThrow(CellError);
    expect(globalThis).not.toHaveProperty('trapped');
  });
});

describe('The look inside', () => {
  const total = (origin: Origin): number =>
    origin.kind === 'products'
      ? origin.terms.reduce((sum, { product }) => sum + product, origin.bias?.value ?? 0)
      : Number.NaN;

  it('takes a value apart into the products that add up to it', async () => {
    const found = await run(presets.rnn);
    const inspector = new Inspector(parseCell(presets.rnn), found);
    const sum = inspector.reference('a');
    for (let t = 0; t < steps; t++)
      for (let unit = 0; unit < 2; unit++) {
        const element = inspector.element(sum, [unit], t);
        const origin = inspector.origin(element, t);
        if (origin.kind !== 'function') throw new Error('A sum is a function of what it adds.');
        // (Wh h + Wx x) + b
        const [products, b] = origin.from;
        expect(products.value + b.value).toBeCloseTo(element.value, 6);
        const inner = inspector.origin(products, t);
        if (inner.kind !== 'function') throw new Error('A sum is a function of what it adds.');
        for (const product of inner.from) {
          expect(total(inspector.origin(product, t))).toBeCloseTo(product.value, 6);
        }
      }
  });

  it('leads from a gate to its place in the sums', async () => {
    const inspector = new Inspector(parseCell(presets.lstm), await run(presets.lstm));
    const so = inspector.element(inspector.reference('so'), [1], 3);
    expect(inspector.origin(so, 3)).toMatchObject({ name: 'chunk', from: [{ index: [7], value: so.value }] });
    expect(inspector.named().map(({ label }) => label)).toEqual([
      'sums',
      'si',
      'sf',
      'sg',
      'so',
      'i',
      'f',
      'g',
      'o',
      'next',
      'next h',
    ]);
  });
});

describe('The same cell in other notations', () => {
  it('writes formulas with the brackets that they need', () => {
    const plain = (text: string): string[] =>
      formulasOf(parseCell(text)).map(({ tex }) => {
        let bare = tex;
        for (let last = ''; last !== bare;) {
          last = bare;
          bare = bare.replace(/\\class\{[^}]*\}\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}/, '$1');
        }
        return bare;
      });
    expect(plain('const W = randn([H, X]);\nconst step = (x, h) => tanh(W.matmul(x).add(h).mul(h));')).toEqual([
      'h_t = \\operatorname{tanh}\\left(\\left(W\\, x_t + h_{t-1}\\right) \\odot h_{t-1}\\right)',
    ]);
    expect(plain('const step = (x, h) => h.sub(h.sub(h));')).toEqual([
      'h_t = h_{t-1} - \\left(h_{t-1} - h_{t-1}\\right)',
    ]);
  });

  it('writes PyTorch', () => {
    const text =
      'const W = randn([2 * H, X]);\nconst step = (x, [h, c]) => {\n  const [a, b] = chunk(W.matmul(x), 2);\n  return [a.sub(h).mul(c), maximum(b, 0)];\n};';
    expect(torchLines(parseCell(text), 7, { X: 3, H: 2 }, 5)).toContain(
      [
        'torch.manual_seed(7)',
        'X, H = 3, 2',
        'W = torch.randn(2 * H, X)',
        'xs = torch.randn(5, X)',
        '',
        'def step(x, state):',
        '    h, c = state',
        '    a, b = torch.chunk(W @ x, 2, -1)',
        '    return (a - h) * c, torch.maximum(b, torch.tensor(0))',
      ].join('\n'),
    );
  });
});

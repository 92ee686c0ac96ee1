import { nodeResolve } from '@rollup/plugin-node-resolve';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import * as esbuild from 'esbuild';
import { rollup } from 'rollup';
import { build as viteBuild } from 'vite';
import { beforeAll, describe, expect, test } from 'vitest';
import webpack from 'webpack';
import { root } from '../src/packages.ts';

// Four bundlers take as long as the machine needs.
const exec = promisify(execFile);
const example = join(root, 'examples/minimal-page/src');
// In this folder, not in a temporary one, so that the packages are found.
const folder = join(import.meta.dirname, '../build/minimal-page');

/** Bundles a program into a folder of its own, as small as its tools can. */
const bundlers: Record<string, (entry: string, out: string) => Promise<void>> = {
  async esbuild(entry, out) {
    await esbuild.build({
      entryPoints: [entry],
      outdir: out,
      bundle: true,
      splitting: true,
      minify: true,
      format: 'esm',
      target: 'es2022',
    });
  },
  async vite(entry, out) {
    await viteBuild({
      root: folder,
      configFile: false,
      logLevel: 'error',
      build: { target: 'es2022', outDir: out, modulePreload: false, rolldownOptions: { input: entry } },
    });
  },
  async webpack(entry, out) {
    const compiler = webpack({
      mode: 'production',
      context: folder,
      entry,
      target: ['web', 'es2022'],
      experiments: { outputModule: true },
      output: { path: out, module: true, chunkFormat: 'module' },
      performance: false,
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    const { errors, warnings } = stats?.toJson({ all: false, errors: true, warnings: true }) ?? {};
    expect([errors, warnings]).toEqual([[], []]);
  },
  async rollup(entry, out) {
    const bundle = await rollup({ input: entry, plugins: [nodeResolve({ browser: true })] });
    await bundle.write({ dir: out, format: 'es' });
    // Rollup leaves making it small to others.
    for (const file of readdirSync(out)) {
      const { code } = await esbuild.transform(readFileSync(join(out, file), 'utf8'), {
        minify: true,
        // Names of the outermost scope are a module's own.
        format: 'esm',
        target: 'es2022',
      });
      writeFileSync(join(out, file), code);
    }
  },
};

/** Bytes of all files in a folder, each compressed by itself as a server sends it. */
function gzipped(out: string): number {
  return readdirSync(out, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce(
      (sum, { parentPath, name }) => sum + gzipSync(readFileSync(join(parentPath, name)), { level: 9 }).length,
      0,
    );
}

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of ['forward', 'train'])
    writeFileSync(join(folder, `${name}.js`), readFileSync(join(example, `${name}.js`), 'utf8'));
});

/** The most bytes of a page, for every bundler. */
const limits = { forward: 40_000, train: 48_000 };

describe.each(Object.keys(bundlers))('the minimal page by %s', (bundler) => {
  test.each(Object.entries(limits))('%s has at most %i bytes', async (page, limit) => {
    const out = join(folder, bundler, page);
    await bundlers[bundler](join(folder, `${page}.js`), out);
    const bytes = gzipped(out);
    console.log(`${bundler}, ${page}: ${bytes} bytes gzip`);
    expect(bytes).toBeLessThanOrEqual(limit);
    // It does its job: the same numbers as the whole library gives, up to the rounding of another
    // order of sums.
    const file = readdirSync(out, { recursive: true, encoding: 'utf8' }).find((name) =>
      /^(assets\/)?(forward|train|main)[^/]*\.m?js$/.test(name),
    );
    const shown = await outputOf(join(out, file as string));
    const whole = await outputOf(wholeProgram(page));
    expect(shown).toHaveLength(whole.length);
    shown.forEach((value, i) => expect(value).toBeCloseTo(whole[i], 5));
  });
});

/** The same program on the main entries, with compiled loops. */
function wholeProgram(page: string): string {
  const file = join(folder, `${page}-whole.mjs`);
  writeFileSync(file, readFileSync(join(folder, `${page}.js`), 'utf8').replaceAll("/lean';", "';"));
  return file;
}

/** What a page shows, run by Node with as much of a document as it needs. */
async function outputOf(file: string): Promise<number[]> {
  const program = `
    const output = {};
    globalThis.document = { querySelector: () => output, getElementsByTagName: () => [], createElement: () => ({}) };
    await import(process.argv[1]);
    // The page shows its numbers when it has them.
    while (output.textContent === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    console.log(output.textContent);
    process.exit();
  `;
  const { stdout } = await exec(process.execPath, ['--input-type=module', '--eval', program, file]);
  return stdout.split(',').map(Number);
}

test('what the lean entries offer works on tensors without methods', async () => {
  const program = join(folder, 'lean-layers.mjs');
  writeFileSync(
    program,
    `
    import assert from 'node:assert';
    import { cpu } from '@rnn/backend-cpu';
    import * as core from '@rnn/core/lean';
    import * as nn from '@rnn/nn/lean';
    import * as train from '@rnn/train/lean';
    core.setBackend(await cpu());
    const { backward, mean, ones, Tensor, tensor } = core;
    assert.strictEqual(Tensor.prototype.add, undefined);
    const layers = [nn.RNN, nn.LSTM, nn.GRU].flatMap((Layer) => [new Layer(3, 2), new Layer(3, 2, { numLayers: 2, bidirectional: true })]);
    const cells = Object.entries(nn).filter(([name]) => /^[A-Z].*Cell$/.test(name) && !/Zoneout|Input|Two|One/.test(name));
    assert(cells.length > 8);
    for (const [, Cell] of cells) layers.push(new nn.Recurrent(new Cell(3, 2)), new nn.Bidirectional(new Cell(3, 2), new Cell(3, 2)));
    for (const layer of layers) {
      const optimizer = new train.Adam(layer.parameters());
      const [y] = layer.forward(ones([4, 2, 3]), undefined, { lengths: [4, 2] });
      backward(mean(y));
      train.clipGradNorm(layer.parameters(), 1);
      optimizer.step();
    }
    const rows = ones([4, 3], { requiresGrad: true });
    for (const module of [new nn.Linear(3, 2), new nn.LayerNorm([3]), new nn.BatchNorm1d(3), new nn.Dropout(0.5), new nn.Softmax(-1), new nn.GELU()])
      backward(mean(module.forward(rows)));
    backward(mean(new nn.Conv1d(3, 2, 3).forward(ones([2, 3, 5]))));
    backward(mean(new nn.MultiheadAttention(4, 2).forward(ones([3, 2, 4]), ones([3, 2, 4]), ones([3, 2, 4]))[0]));
    backward(nn.crossEntropy(rows, tensor([0, 1, 2, 0], { dtype: 'int32' })));
    for (const loss of ['mseLoss', 'l1Loss', 'smoothL1Loss', 'huberLoss', 'bceWithLogits']) backward(nn[loss](rows, ones([4, 3])));
    for (const Optimizer of [train.SGD, train.RMSprop, train.Adagrad, train.AdamW]) {
      const model = new nn.Linear(3, 2);
      const optimizer = new Optimizer(model.parameters(), { lr: 0.1 });
      backward(mean(model.forward(ones([4, 3]))));
      optimizer.step();
    }
    // What is not there says what to do; what a function asks for comes with the function.
    const lstm = new nn.LSTM(3, 2);
    assert.throws(() => lstm.explain(ones([4, 2, 3])), /LSTM: explain is asked of a layer of '@rnn\\/nn\\/lean'.*import '@rnn\\/nn' once/);
    assert.throws(() => String(lstm), /import '@rnn\\/nn' once/);
    assert.throws(() => core.anomaly(() => core.log(tensor([1, -1]))), /log: the first NaN arose here, at element 1/);
  `,
  );
  await expect(exec(process.execPath, [program])).resolves.toMatchObject({ stdout: '' });
});

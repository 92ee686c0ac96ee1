/** Each demo's model as a file: out, and into a model of other weights. */
import { readFile } from 'node:fs/promises';
import { wasm } from '@rnn/backend-wasm';
import { fromData, manualSeed, noGrad, scope, setBackend } from '@rnn/core';
import { toHost } from '@rnn/io';
import { beforeAll, expect, test } from 'vitest';
import { readData } from '../../src/data/files.ts';
import { examples } from '../../web/src/demos/draw/examples.ts';
import { DrawExperiment } from '../../web/src/demos/draw/experiment.ts';
import { ForecastExperiment } from '../../web/src/demos/forecast/experiment.ts';
import { MemoryExperiment } from '../../web/src/demos/memory/experiment.ts';
import { SpeakersExperiment } from '../../web/src/demos/speakers/experiment.ts';
import { TextExperiment } from '../../web/src/demos/text/experiment.ts';
import type { ModelExperiment } from '../../web/src/experiment/model-experiment.ts';
import type { ModelFile } from '../../web/src/experiment/model-files.ts';

beforeAll(async () => setBackend(await wasm({ threads: 1 })));

const wave = { shape: [200, 1] as const, data: Float32Array.from({ length: 200 }, (_, i) => Math.sin(i / 5)) };
const forecaster =
  (layer: 'LSTM' | 'GRU' | 'RNN') =>
  (seed: number): ForecastExperiment =>
    new ForecastExperiment({ seed, settings: { series: wave, layer, hidden: 8, season: undefined } });
const speakers =
  (layer: 'LSTM' | 'GRU' | 'RNN') =>
  async (seed: number): Promise<SpeakersExperiment> => {
    const [training, test] = [await readData('japanese-vowels-train.csv'), await readData('japanese-vowels-test.csv')];
    return new SpeakersExperiment({ seed, settings: { training, test, layer, hidden: 8 } });
  };

const demos: readonly [string, (seed: number) => ModelExperiment | Promise<ModelExperiment>][] = [
  [
    'text',
    (seed) =>
      new TextExperiment({
        seed,
        settings: { text: 'She sells sea shells. '.repeat(60), units: 8, writing: { temperature: 0.7, topK: 0 } },
      }),
  ],
  ['forecast by an LSTM', forecaster('LSTM')],
  ['forecast by a GRU', forecaster('GRU')],
  ['forecast by an RNN', forecaster('RNN')],
  ['speakers by an LSTM', speakers('LSTM')],
  ['speakers by a GRU', speakers('GRU')],
  ['speakers by an RNN', speakers('RNN')],
  [
    'draw',
    (seed) =>
      new DrawExperiment({ seed, settings: { strokes: examples.loops?.() ?? [], hidden: 8, temperature: 0.3 } }),
  ],
  ['memory', (seed) => new MemoryExperiment({ seed, settings: { length: 10, gain: 1, forgetBias: 4, clip: 1 } })],
];

type Weights = Awaited<ReturnType<typeof toHost>>;
const weightsOf = (experiment: ModelExperiment): Promise<Weights> => toHost(experiment.model.stateDict());
const bytesOf = ({ content }: ModelFile): Uint8Array =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;

test.each(demos)('%s: a model comes back from each file with the weights that went out', async (_, begin) => {
  manualSeed(1);
  const trained = await begin(1);
  for (let i = 0; i < 2; i++) scope(() => trained.step()).dispose();
  const weights = await weightsOf(trained);
  for (const format of ['safetensors', 'onnx'] as const) {
    const file = await trained.saveModel(format);
    manualSeed(2);
    const other = await begin(2);
    expect(await weightsOf(other)).not.toEqual(weights);
    await other.loadModel(file.name, bytesOf(file));
    expect(await weightsOf(other), file.name).toEqual(weights);
    // It goes on from there.
    scope(() => other.step()).dispose();
  }
  const { name, content } = await trained.saveModel('module');
  expect(name).toMatch(/\.mjs$/);
  expect(content).toContain('export');
});

test('a .pt that torch.save wrote says what the net says in PyTorch', async () => {
  const experiment = forecaster('LSTM')(3);
  const read = (name: string): Promise<Buffer> => readFile(new URL(name, import.meta.url));
  const { input, output } = JSON.parse(String(await read('forecaster.json'))) as Record<'input' | 'output', number[]>;
  await experiment.loadModel('forecaster.pt', await read('forecaster.pt'));
  const said = noGrad(() =>
    scope(() => experiment.model.forward(fromData(Float32Array.from(input), [input.length, 1, 1]))[0]),
  );
  const values = await said.data();
  said.dispose();
  for (const [i, value] of output.entries()) expect(values[i]).toBeCloseTo(value, 5);
});

/** What only programs can do something about. */
const programWords =
  /\b(readOnnx|readSafetensors|loadStateDict|decode\w+|FormatError|StateDictError|bytes|header|undefined)\b/;

test('a file that does not fit says what is wrong and what to do, and leaves the model as it was', async () => {
  const experiment = forecaster('GRU')(4);
  const before = await weightsOf(experiment);
  const [own, wider, lstm] = await Promise.all(
    [
      experiment,
      new ForecastExperiment({ seed: 5, settings: { series: wave, layer: 'GRU', hidden: 16, season: undefined } }),
      forecaster('LSTM')(5),
    ].map(async (each) => {
      const files = await Promise.all([each.saveModel('safetensors'), each.saveModel('onnx')]);
      return { safetensors: bytesOf(files[0]), onnx: bytesOf(files[1]) };
    }),
  );
  const pt = await readFile(new URL('forecaster.pt', import.meta.url));
  const webPage = new TextEncoder().encode('<html>This file is not here.</html>');
  const cases: readonly [name: string, bytes: Uint8Array, words: RegExp][] = [
    ...(['safetensors', 'onnx', 'pt'] as const).flatMap((end): [string, Uint8Array, RegExp][] => [
      [`empty.${end}`, new Uint8Array(), /^It is empty\. Save or download it once more/],
      [`page.${end}`, webPage, /^It cannot be read as .*\. Save or download it once more/],
    ]),
    ['half.safetensors', own.safetensors.subarray(0, 99), /^It cannot be read as safetensors: it may be cut off/],
    ['half.onnx', own.onnx.subarray(0, own.onnx.length / 2), /^It cannot be read as ONNX: it may be cut off/],
    ['half.pt', pt.subarray(0, pt.length / 2), /^It cannot be read as PyTorch: it may be cut off/],
    ['other.pt', own.safetensors, /^It cannot be read as PyTorch: .* something else under this name/],
    ['wider.safetensors', wider.safetensors, /“layer\.weight_ih_l0” is 48 × 1 in the file and 24 × 1 here\. Choose/],
    ['wider.onnx', wider.onnx, /“layer\.weight_ih_l0” is 48 × 1 in the file and 24 × 1 here\. Choose/],
    ['lstm.safetensors', lstm.safetensors, /“layer\.weight_ih_l0” is 32 × 1 in the file and 24 × 1 here\. Choose/],
    ['cat.jpg', own.safetensors, /^cat\.jpg is no model: its name should end in/],
  ];
  for (const [name, bytes, words] of cases) {
    const said = await experiment.loadModel(name, bytes).then(String, ({ message }: Error) => message);
    expect(said, name).toMatch(words);
    expect(said, name).not.toMatch(programWords);
  }
  expect(await weightsOf(experiment)).toEqual(before);
});

test('a file of another net names what is missing, and what has no place', async () => {
  manualSeed(0);
  const draw = new DrawExperiment({
    seed: 0,
    settings: { strokes: examples.loops?.() ?? [], hidden: 8, temperature: 0.3 },
  });
  const file = await draw.saveModel('safetensors');
  await expect(forecaster('LSTM')(1).loadModel(file.name, bytesOf(file))).rejects.toThrow(
    /^It is of another net\. This one needs “layer\.weight_ih_l0” and 3 more, which the file does not have\. The file has “lstm\.\w+” and 3 more, for which there is no place here\. Load a file/,
  );
});

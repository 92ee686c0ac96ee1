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

test('weights of another model, or none at all, leave it as it was', async () => {
  const experiment = forecaster('GRU')(4);
  const before = await weightsOf(experiment);
  const file = await forecaster('LSTM')(5).saveModel('safetensors');
  await expect(experiment.loadModel(file.name, bytesOf(file))).rejects.toThrow(/layer\.weight_ih_l0/);
  await expect(experiment.loadModel('half.safetensors', bytesOf(file).subarray(0, 99))).rejects.toThrow('safetensors');
  await expect(experiment.loadModel('cat.jpg', bytesOf(file))).rejects.toThrow('cat.jpg is no model');
  expect(await weightsOf(experiment)).toEqual(before);
});

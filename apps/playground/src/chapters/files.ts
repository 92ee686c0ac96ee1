import { manualSeed, noGrad, randn, scope, setBackend, tensor, type Tensor } from '@rnn/core';
import { readOnnx, readPyTorch, readSafetensors, writeOnnx, writeSafetensors } from '@rnn/io';
import { Linear, LSTM, Module } from '@rnn/nn';
import { DataLoader, windows } from '@rnn/train';
import { parseSunspots } from '../data/sunspots.ts';
import type { ChapterContext } from './context.ts';
import { Forecaster } from './forecaster.ts';
import { learnSeries, window } from './forecasting.ts';
import { standardise } from './series.ts';

const tourSteps = 40;

/** Numbers with their shape, as ONNX Runtime takes and gives them. */
interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** What the chapter needs besides: a place for files, and the programs that read them. */
export interface FileTools {
  /** The bytes of a file in `data/`. */
  readonly readBytes: (file: string) => Promise<Uint8Array>;
  /** Writes a file, and reads it again. */
  readonly keep: (file: string, bytes: Uint8Array) => Promise<Uint8Array>;
  /** Runs a model in ONNX Runtime: its input `x` to its output `y`. */
  readonly runOnnx: (model: Uint8Array, x: Numbers) => Promise<Float32Array>;
  /** What `rnn-io check` says of a file that was kept. */
  readonly check: (file: string) => Promise<string>;
}

/** A file after it was used. */
interface UsedFile {
  readonly file: string;
  readonly bytes: number;
  /** Who used it. */
  readonly by: string;
  /** Whose numbers it was held against. */
  readonly against: string;
  /** The largest difference, in the units of the forecast. */
  readonly difference: number;
}

export interface FilesResult {
  readonly steps: number;
  readonly months: number;
  readonly used: readonly UsedFile[];
  /** Entries of the state dict with their shapes. */
  readonly entries: readonly (readonly [name: string, shape: readonly number[]])[];
  /** What the check of the exported model says. */
  readonly check: string;
}

/**
 * A network is trained, saved, loaded, exported and checked; whoever reads its files forecasts the
 * same.
 */
export async function runFiles(context: ChapterContext, tools: FileTools): Promise<FilesResult> {
  const { values } = parseSunspots(await context.read('sunspots-monthly.csv'));
  const cut = Math.floor(values.length * 0.8);
  const series = standardise(values, cut);
  setBackend(context.backend);
  manualSeed(context.seed);
  const model = new Forecaster(new LSTM(1, 32));
  const { steps } = await learnSeries(
    { task: 'LSTM', model, series: series.values.subarray(0, cut), tourSteps },
    context,
  );

  // All held-out months at once: [T, B, 1].
  const heldOut = windows(series.values.subarray(cut - window), window);
  const months = values.length - cut;
  const [[x, next]] = new DataLoader(heldOut, { batchSize: months });
  next.dispose();
  const forecast = await answer(() => model.forward(x));
  const used: UsedFile[] = [];
  const note = (file: string, bytes: Uint8Array, by: string, numbers: Float32Array): void => {
    const difference = largestDifference(numbers, forecast) * series.deviation;
    used.push({ file, bytes: bytes.length, by, against: 'the model', difference });
  };

  for (const [file, dtype] of [
    ['lstm.safetensors', undefined],
    ['lstm.f16.safetensors', 'float16'],
  ] as const) {
    const bytes = await tools.keep(
      file,
      scope(() => writeSafetensors(model.stateDict(), { dtype })),
    );
    const again = new Forecaster(new LSTM(1, 32));
    scope(() => void again.loadStateDict(readSafetensors(bytes).tensors));
    note(file, bytes, 'this library', await answer(() => again.forward(x)));
    again.dispose();
  }

  const onnx = await tools.keep(
    'lstm.onnx',
    scope(() => writeOnnx(model, [randn([window, 2, 1])])),
  );
  const inputs = { shape: x.shape, data: Float32Array.from(await x.data()) };
  note('lstm.onnx', onnx, 'ONNX Runtime', await tools.runOnnx(onnx, inputs));
  const imported = readOnnx(onnx);
  note('lstm.onnx', onnx, 'this library', await answer(() => imported.run({ x }).y));
  imported.dispose();
  const check = await tools.check('lstm.onnx');

  used.push(await fromPyTorch(context, tools));
  const entries = model.namedParameters().map(([name, { shape }]) => [name, shape] as const);
  x.dispose();
  model.dispose();
  return { steps, months, used, entries, check };
}

/** What `data/pytorch-lstm.pt` holds. */
class LastStep extends Module {
  rnn = new LSTM(3, 5, { batchFirst: true });
  head = new Linear(5, 3);

  /** [B, T, 3] -> [B, 3] */
  forward(x: Tensor): Tensor {
    const [output] = this.rnn.forward(x);
    return this.head.forward(output.select(1, -1));
  }
}

/** A model of PyTorch beside the numbers that PyTorch computed with it. */
async function fromPyTorch({ read }: ChapterContext, { readBytes }: FileTools): Promise<UsedFile> {
  const bytes = await readBytes('pytorch-lstm.pt');
  const { x, y } = JSON.parse(await read('pytorch-lstm.json')) as { x: number[][][]; y: number[][] };
  const model = new LastStep();
  scope(() => void model.loadStateDict(readPyTorch(bytes)));
  const input = tensor(x);
  const numbers = await answer(() => model.forward(input));
  input.dispose();
  model.dispose();
  const difference = largestDifference(numbers, y.flat());
  return { file: 'pytorch-lstm.pt', bytes: bytes.length, by: 'this library', against: 'PyTorch', difference };
}

/** The numbers of a result, without a record for gradients. */
async function answer(forward: () => Tensor): Promise<Float32Array> {
  const result = noGrad(() => scope(forward));
  const numbers = Float32Array.from(await result.data());
  result.dispose();
  return numbers;
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(b).reduce((largest, value, i) => Math.max(largest, Math.abs(a[i] - value)), 0);
}

/** The run of the demo "Memory": three nets learn to recall what they saw long ago. */
import { chunk, concat, defaultGenerator, fromData, full, noGrad, scope, zeros, type Tensor } from '@rnn/core';
import { crossEntropy, GRU, Linear, LSTM, Module, RNN } from '@rnn/nn';
import { Adam, gradientFlow, gradNorm, type FlowVerdict } from '@rnn/train';
import type { ExperimentOptions, Movable } from '../../experiment/experiment.ts';
import { ModelExperiment } from '../../experiment/model-experiment.ts';
import { update } from '../../experiment/update.ts';

export const netNames = ['RNN', 'LSTM', 'GRU'] as const;
export type NetName = (typeof netNames)[number];

/** What the run is made from. */
export interface MemorySettings {
  /** Steps from the symbol to the question. */
  readonly length: number;
  /** What the recurrent weights are multiplied by before training. */
  readonly gain: number;
  /** What the two biases of the LSTM's forget gate add up to before training. */
  readonly forgetBias: number;
  /** The norm at which gradients are clipped; 0 for never. */
  readonly clip: number;
}

/** How one net stands. */
export interface NetView {
  readonly name: NetName;
  /** Share of sequences, not seen in training, whose symbol it recalls. */
  readonly accuracy: number;
  /** The size of dL/dh_t for every step; of an LSTM, that of h and c together. */
  readonly norms: readonly number[];
  readonly verdict: FlowVerdict;
  /** How many times as large the gradient is after each step back. */
  readonly factor: number;
  /** The norm of the gradient of all weights, before it is clipped. */
  readonly gradient: number;
}

export interface MemoryView {
  readonly nets: readonly NetView[];
  readonly symbols: number;
  /** Accuracies so far, by step. */
  readonly history: readonly { readonly step: number; readonly accuracies: readonly number[] }[];
}

/** Symbols to tell apart; who guesses is right once in so many. */
export const symbols = 4;
const hidden = 16;
const rows = 32;
const testRows = 64;
/** Milliseconds between two looks at the gradients. */
const lookEvery = 400;

/** A recurrent layer, and a linear one that is asked at the last step. */
class Recaller extends Module {
  readonly recurrent: Module & { forward(x: Tensor): readonly [output: Tensor, ...unknown[]] };
  readonly head: Linear;

  constructor(name: NetName, { gain, forgetBias }: MemorySettings) {
    super();
    this.recurrent =
      name === 'RNN'
        ? new RNN(symbols + 1, hidden)
        : name === 'LSTM'
          ? new LSTM(symbols + 1, hidden, { forgetGateBias: forgetBias })
          : new GRU(symbols + 1, hidden);
    this.head = new Linear(hidden, symbols);
    noGrad(() =>
      scope(() => {
        for (const [path, weight] of this.recurrent.namedParameters())
          if (path.startsWith('weight_hh')) weight.copy_(weight.mul(gain));
        // The z of a GRU says how much of its state stays, as the f of an LSTM does.
        if (name === 'GRU')
          for (const [path, bias] of this.recurrent.namedParameters())
            if (path.startsWith('bias')) bias.copy_(withPart(bias, path.startsWith('bias_ih') ? forgetBias : 0));
      }),
    );
  }

  forward(x: Tensor): Tensor {
    const [outputs] = this.recurrent.forward(x);
    return this.head.forward(outputs.select(0, x.shape[0] - 1));
  }
}

/** The biases of a GRU, in the order r, z, n, with another one for z. */
function withPart(bias: Tensor, z: number): Tensor {
  const [r, , n] = chunk(bias, 3);
  return concat([r, full([hidden], z), n]);
}

/** The three nets side by side, so that one file holds them. */
class Recallers extends Module {
  readonly RNN: Recaller;
  readonly LSTM: Recaller;
  readonly GRU: Recaller;

  constructor(settings: MemorySettings) {
    super();
    this.RNN = new Recaller('RNN', settings);
    this.LSTM = new Recaller('LSTM', settings);
    this.GRU = new Recaller('GRU', settings);
  }

  /** x [T, B, symbols + 1] -> scores of each net [B, symbols] */
  forward(x: Tensor): [RNN: Tensor, LSTM: Tensor, GRU: Tensor] {
    return [this.RNN.forward(x), this.LSTM.forward(x), this.GRU.forward(x)];
  }
}

export class MemoryExperiment extends ModelExperiment {
  protected readonly fileName = 'memory';
  readonly movable: readonly Movable[];
  readonly model: Recallers;
  private readonly length: number;
  private clip: number;
  private readonly nets: readonly { name: NetName; model: Recaller; optimizer: Adam }[];
  private readonly test: Question;
  private history: { step: number; accuracies: readonly number[] }[] = [];
  private steps = 0;
  private looked = -Infinity;
  private flows: readonly Pick<NetView, 'norms' | 'verdict' | 'factor' | 'gradient'>[] = [];

  constructor({ settings }: ExperimentOptions<MemorySettings>) {
    super();
    this.length = settings.length;
    this.clip = settings.clip;
    this.model = new Recallers(settings);
    this.nets = netNames.map((name) => {
      const model = this.model[name];
      return { name, model, optimizer: new Adam(model.parameters(), { lr: 0.005 }) };
    });
    this.test = new Question(testRows, this.length);
    this.movable = this.nets.flatMap(({ model, optimizer }) => [model, optimizer]);
  }

  /** One step of each net, all on the same sequences: the mean of their losses. */
  step(): Tensor {
    const batch = new Question(rows, this.length);
    const losses = this.nets.map(({ model, optimizer }) => {
      return update({ model, optimizer }, lossOf(model, batch), this.clip);
    });
    this.steps++;
    return losses.reduce((sum, loss) => sum.add(loss)).mul(1 / losses.length);
  }

  /** The norm at which gradients are clipped from now on. */
  setClip(clip: number): void {
    this.clip = clip;
  }

  async view(): Promise<MemoryView> {
    const accuracies: number[] = [];
    for (const { model } of this.nets) accuracies.push(await this.accuracyOf(model));
    const last = this.history.at(-1);
    if (last?.step !== this.steps) this.history.push({ step: this.steps, accuracies });
    if (this.history.length > 400) this.history = this.history.filter((_, i) => i % 2 === 0);
    if (performance.now() - this.looked > lookEvery || this.steps === 0) {
      this.flows = await Promise.all(this.nets.map(async ({ model }) => this.flowOf(model)));
      this.looked = performance.now();
    }
    const nets = this.nets.map(({ name }, i) => ({ name, accuracy: accuracies[i], ...this.flows[i] }));
    return { nets, symbols, history: this.history };
  }

  protected examples(): Tensor[] {
    return [zeros([this.length, 1, symbols + 1])];
  }

  protected outdate(): void {
    this.looked = -Infinity;
  }

  private async accuracyOf(model: Recaller): Promise<number> {
    const guesses = scope(() => noGrad(() => model.forward(this.test.inputs()).argmax(-1)));
    const found = await guesses.data();
    guesses.dispose();
    const right = this.test.symbols.filter((symbol, i) => symbol === Number(found[i])).length;
    return right / testRows;
  }

  private async flowOf(model: Recaller): Promise<Pick<NetView, 'norms' | 'verdict' | 'factor' | 'gradient'>> {
    const { layers, verdict } = await gradientFlow(model, this.test, { loss: lossOf });
    const [{ norms, memoryNorms, factor }] = layers;
    const size = scope(() => {
      const loss = lossOf(model, this.test);
      model.zeroGrad();
      loss.backward();
      return gradNorm(model.parameters());
    });
    const gradient = (await size.data())[0];
    size.dispose();
    return {
      norms: norms.map((norm, t) => Math.hypot(norm, memoryNorms[t] ?? 0)),
      verdict,
      factor,
      gradient,
    };
  }
}

function lossOf(model: Recaller, batch: Question): Tensor {
  return crossEntropy(model.forward(batch.inputs()), batch.targets());
}

/** Sequences that begin with a symbol; what comes after it, until the question, is noise. */
class Question {
  readonly symbols: Int32Array;
  private readonly values: Float32Array;
  private readonly length: number;

  /** Drawn from the run's generator, so that a seed gives the same sequences everywhere. */
  constructor(count: number, length: number) {
    const width = symbols + 1;
    this.length = length;
    this.symbols = new Int32Array(count);
    this.values = new Float32Array(length * count * width);
    const noise = new Float32Array(length * count);
    defaultGenerator().integers(this.symbols, 0, symbols);
    defaultGenerator().normal(noise, 0, 1);
    this.symbols.forEach((symbol, row) => {
      this.values[row * width + symbol] = 1;
      for (let t = 1; t < length; t++) this.values[(t * count + row) * width + symbols] = noise[t * count + row];
    });
  }

  /**
   * `[length, rows, symbols + 1]`: the symbol at the first step, noise in the last channel after
   * it.
   */
  inputs(): Tensor {
    return fromData(this.values, [this.length, this.symbols.length, symbols + 1]);
  }

  targets(): Tensor {
    return fromData(this.symbols, [this.symbols.length]);
  }
}

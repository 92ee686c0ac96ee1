/** The run of the demo "Text": a character model that learns, writes, and can be looked into. */
import { fromData, grad, logSoftmax, moveTo, noGrad, scope, type Backend, type Tensor } from '@rnn/core';
import { crossEntropy, type LSTMState } from '@rnn/nn';
import { Adam, CharVocabulary, textStreams } from '@rnn/train';
import type { ExperimentOptions, Movable } from '../../experiment/experiment.ts';
import { ModelExperiment } from '../../experiment/model-experiment.ts';
import { update } from '../../experiment/update.ts';
import { CharacterModel } from './model.ts';
import { Writer, type Sample, type WriterOptions } from './writer.ts';

/** What the run is made from. */
export interface TextSettings {
  /** What the model learns from. */
  readonly text: string;
  /** Units of the LSTM. */
  readonly units: number;
  /** How the samples are drawn; the learning does not depend on it. */
  readonly writing: WriterOptions;
}

/** What the page shows ten times a second. */
export interface TextView {
  readonly sample: Sample;
  /** Characters read in training, each as often as it was. */
  readonly characters: number;
  readonly vocabulary: number;
  readonly units: number;
}

/** What the model does at each character of a passage. */
export interface Reading {
  readonly text: string;
  readonly units: number;
  /** The state `h` of every unit: `states[t * units + unit]`. */
  readonly states: Float32Array;
  /** Bits that each character cost: how little the model expected it; NaN for the first. */
  readonly surprise: Float32Array;
}

/** The inner values of a unit, by the names of the LSTM's equations. */
const gateNames = ['i', 'f', 'g', 'o', 'c', 'h'] as const;

/** Rows that are read side by side, and characters of each in a step. */
const [rows, length] = [16, 32];

export class TextExperiment extends ModelExperiment {
  readonly model: CharacterModel;
  protected readonly fileName = 'characters';
  readonly movable: readonly Movable[];
  private readonly vocabulary: CharVocabulary;
  private readonly known: ReadonlySet<string>;
  readonly optimizer: Adam;
  private readonly streams: Iterable<[Tensor, Tensor]>;
  private readonly writer: Writer;
  private batches: Iterator<[Tensor, Tensor]>;
  private state: LSTMState | undefined;
  private steps = 0;

  constructor({ seed, settings: { text, units, writing } }: ExperimentOptions<TextSettings>) {
    super();
    this.vocabulary = new CharVocabulary(text);
    this.known = new Set(text);
    this.model = new CharacterModel(this.vocabulary.size, units);
    this.optimizer = new Adam(this.model.parameters(), { lr: 0.004 });
    this.streams = textStreams(this.vocabulary.encode(text), { rows, steps: length, dropLast: true });
    this.batches = this.streams[Symbol.iterator]();
    this.writer = new Writer(this.model, this.vocabulary, firstCharacters(text), seed, writing);
    const carried: Movable = { moveTo: (backend) => this.moveState(backend) };
    this.movable = [this.model, this.optimizer, carried];
  }

  step(): Tensor {
    const [x, y] = this.nextBatch();
    const [scores, next] = this.model.forward(x, this.state);
    const loss = update(this, crossEntropy(scores, y, { classDim: -1 }));
    this.carry(next);
    this.steps++;
    return loss;
  }

  async view(isAtRest: boolean): Promise<TextView> {
    return {
      sample: await this.writer.write(isAtRest),
      characters: this.steps * rows * length,
      vocabulary: this.vocabulary.size,
      units: this.model.lstm.hiddenSize,
    };
  }

  /** How samples are drawn from now on. */
  setWriting(options: WriterOptions): void {
    this.writer.setOptions(options);
  }

  protected examples(): Tensor[] {
    return [fromData(new Int32Array(8), [8, 1])];
  }

  protected outdate(): void {
    this.writer.interrupt();
  }

  /** A passage with those characters alone that the model knows. */
  readable(text: string): string {
    return Array.from(text)
      .filter((character) => this.known.has(character))
      .join('');
  }

  /** The numbers of a passage's characters. */
  tokens(text: string): Int32Array {
    return this.vocabulary.encode(text);
  }

  /** Reads a passage of known characters. */
  async read(text: string): Promise<Reading> {
    const tokens = this.tokens(text);
    const [h, surprise] = noGrad(() =>
      scope(() => {
        const x = fromData(tokens, [tokens.length, 1]);
        const [output] = this.model.lstm.forward(this.model.embedding.forward(x));
        const scores = logSoftmax(this.model.head.forward(output), -1).reshape([tokens.length, this.vocabulary.size]);
        const next = fromData(tokens.slice(1), [tokens.length - 1, 1]);
        const costs = scores
          .slice(0, 0, tokens.length - 1)
          .gather(1, next)
          .mul(-1 / Math.LN2);
        return [output.reshape([tokens.length, -1]), costs.reshape([-1])] as const;
      }),
    );
    try {
      const bits = await surprise.data();
      return {
        text,
        units: this.model.lstm.hiddenSize,
        states: Float32Array.from(await h.data()),
        surprise: Float32Array.of(Number.NaN, ...bits),
      };
    } finally {
      h.dispose();
      surprise.dispose();
    }
  }

  /**
   * How much the score of each character depended on those before it.
   *
   * @returns for each character before `at`, the size of the gradient, by the embedding of that
   *   character, of the log-probability that the model gave to the character `at`
   */
  async influences(text: string, at: number): Promise<Float32Array> {
    if (at < 1) return new Float32Array(0);
    const tokens = this.tokens(text.slice(0, at + 1));
    const sizes = scope(() => {
      const embedded = noGrad(() => this.model.embedding.forward(fromData(tokens.slice(0, at), [at, 1]))).detach();
      embedded.requiresGrad = true;
      const [output] = this.model.lstm.forward(embedded);
      const scores = logSoftmax(this.model.head.forward(output.select(0, at - 1)), -1);
      const [gradient] = grad(scores.select(1, tokens[at]).sum(), [embedded]);
      return gradient.square().sum(-1).sqrt().reshape([at]);
    });
    try {
      return Float32Array.from(await sizes.data());
    } finally {
      sizes.dispose();
    }
  }

  /** Gates and states of a unit over a passage: six rows, in the order of `gateNames`. */
  async gates(text: string, unit: number): Promise<Float32Array> {
    const tokens = this.tokens(text);
    const all = noGrad(() =>
      scope(() => {
        const x = this.model.embedding.forward(fromData(tokens, [tokens.length, 1]));
        const [, , records] = this.model.lstm.forward(x, undefined, { record: [...gateNames] });
        return gateNames.map((name) => records[name].select(-1, unit).reshape([-1]));
      }),
    );
    const values = new Float32Array(gateNames.length * tokens.length);
    for (const [row, one] of all.entries()) {
      values.set(await one.data(), row * tokens.length);
      one.dispose();
    }
    return values;
  }

  private nextBatch(): [Tensor, Tensor] {
    const { done, value } = this.batches.next() as IteratorResult<[Tensor, Tensor], undefined>;
    if (done !== true) return value;
    // The next pass through the text begins with an empty state.
    this.batches = this.streams[Symbol.iterator]();
    this.carry(undefined);
    return (this.batches.next() as IteratorYieldResult<[Tensor, Tensor]>).value;
  }

  private carry(next: LSTMState | undefined): void {
    const before = this.state;
    this.state = next === undefined ? undefined : [next[0].detach().keep(), next[1].detach().keep()];
    before?.forEach((part) => part.dispose());
  }

  private async moveState(backend: Backend): Promise<void> {
    this.writer.interrupt();
    if (this.state !== undefined) await moveTo(this.state, backend);
  }
}

/** Where samples begin: the first word. */
function firstCharacters(text: string): string {
  return /^\s*\S+\s/u.exec(text)?.[0] ?? Array.from(text).slice(0, 1).join('');
}

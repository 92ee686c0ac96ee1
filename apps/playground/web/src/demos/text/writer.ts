import { generate, type CharVocabulary } from '@rnn/train';
import type { CharacterModel } from './model.ts';

/** How characters are drawn. */
export interface WriterOptions {
  /** What scores are divided by; 0 takes the best character. */
  readonly temperature: number;
  /** How many of the best characters may come; 0 for all. */
  readonly topK: number;
}

/** A text that the model wrote. */
export interface Sample {
  readonly text: string;
  /** Counts the samples of a run. */
  readonly number: number;
}

/** Characters of a sample. */
const length = 160;
/** Milliseconds that the writing may take of the training at a time. */
const slice = 12;
/** Milliseconds that it may take at rest; a slow card writes less. */
const patience = 400;
/** Milliseconds from the beginning of a sample to that of the next. */
const pause = 1000;

/**
 * Writes while the model learns, a few characters at a time: a new text about once a second. It has
 * a random generator of its own, so that it changes nothing of the training.
 */
export class Writer {
  private readonly model: CharacterModel;
  private readonly vocabulary: CharVocabulary;
  private readonly prompt: string;
  private readonly seed: number;
  private options: WriterOptions;
  private pieces: AsyncGenerator<string, void, undefined> | undefined;
  private number = 0;
  private began = -Infinity;
  private text = '';

  constructor(model: CharacterModel, vocabulary: CharVocabulary, prompt: string, seed: number, options: WriterOptions) {
    this.model = model;
    this.vocabulary = vocabulary;
    this.prompt = prompt;
    this.seed = seed;
    this.options = options;
  }

  setOptions(options: WriterOptions): void {
    this.options = options;
    this.interrupt();
    this.began = -Infinity;
  }

  /** Gives up the sample under way, whose state lies on the backend that it began on. */
  interrupt(): void {
    void this.pieces?.return();
    this.pieces = undefined;
  }

  /**
   * Writes on for a moment.
   *
   * @param isAtRest - whether nothing is trained now: then the whole sample is of this model
   * @returns what there is of the sample so far
   */
  async write(isAtRest: boolean): Promise<Sample> {
    const until = performance.now() + (isAtRest ? patience : slice);
    if (isAtRest) this.interrupt();
    if (this.pieces === undefined && (isAtRest || performance.now() - this.began >= pause)) this.begin();
    while (this.pieces !== undefined && performance.now() < until) {
      const { done, value } = await this.pieces.next();
      if (done === true) this.pieces = undefined;
      else this.text += value;
    }
    return { text: this.text, number: this.number };
  }

  private begin(): void {
    const { temperature, topK } = this.options;
    this.number++;
    this.began = performance.now();
    this.text = this.prompt;
    this.pieces = generate(this.model, this.prompt, {
      vocabulary: this.vocabulary,
      temperature,
      topK: topK === 0 ? undefined : topK,
      maxTokens: length,
      seed: this.seed,
    });
  }
}

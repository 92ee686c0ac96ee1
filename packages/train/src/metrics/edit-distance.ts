import { ArgumentError, ShapeError } from '@rnn/core';
import { checkList, refuse } from '@rnn/core/checks';
import { checkSeen, type Metric } from './metric.js';

/** A sequence of symbols: a text (by code points), words, class indices. */
export type Symbols = string | readonly (string | number)[] | Int32Array;

/**
 * The least number of symbols to insert, delete or exchange to make one sequence of the other
 * (Levenshtein's distance).
 *
 * @example
 * ```ts
 * editDistance('kitten', 'sitting');        // 3
 * editDistance([1, 2, 3], [1, 3]);          // 1
 * ```
 * @param a - a text, or a list of words or indices
 * @param b - the other
 * @returns a whole number, at most the length of the longer one
 * @throws ArgumentError for anything else
 *
 * Differs from PyTorch: has no counterpart there; texts are compared by code points, as in Python.
 * Time grows with the product of both lengths, memory with one.
 */
export function editDistance(a: Symbols, b: Symbols): number {
  const [first, second] = [symbolsOf('editDistance', 'a', a), symbolsOf('editDistance', 'b', b)];
  // row[j] is the distance between what has been seen of the first and the first j symbols of the
  // second.
  const row = Int32Array.from({ length: second.length + 1 }, (_, j) => j);
  for (let i = 1; i <= first.length; i++) {
    let diagonal = row[0];
    row[0] = i;
    for (let j = 1; j <= second.length; j++) {
      const above = row[j];
      const exchanged = diagonal + (first[i - 1] === second[j - 1] ? 0 : 1);
      row[j] = Math.min(exchanged, above + 1, row[j - 1] + 1);
      diagonal = above;
    }
  }
  return row[second.length];
}

function symbolsOf(owner: string, argument: string, symbols: Symbols): ArrayLike<string | number> {
  if (typeof symbols === 'string') return Array.from(symbols);
  if (Array.isArray(symbols) || symbols instanceof Int32Array) return symbols as ArrayLike<string | number>;
  const expected = 'a text, or a list of words or indices';
  return refuse(ArgumentError, owner, argument, { value: symbols, expected });
}

/** Edits over all pairs, and the symbols of the references. */
abstract class ErrorRate implements Metric {
  private readonly owner: string;
  private edits = 0;
  private count = 0;

  protected constructor(owner: string) {
    this.owner = owner;
  }

  /**
   * Adds pairs.
   *
   * @param predictions - a text or a list of symbols for each pair
   * @param references - the right ones, as many
   * @throws ShapeError when the counts differ; ArgumentError when an entry is none
   */
  update(predictions: readonly Symbols[], references: readonly Symbols[]): void {
    const operation = `${this.owner}.update`;
    checkList(operation, 'predictions', predictions, 'texts');
    checkList(operation, 'references', references, 'texts');
    if (predictions.length !== references.length) {
      const expected = `${references.length}, one for each reference`;
      refuse(ShapeError, operation, 'predictions', { has: 'length', received: String(predictions.length), expected });
    }
    const guesses = predictions.map((guess, i) => this.units(operation, `predictions[${i}]`, guess));
    const truths = references.map((truth, i) => this.units(operation, `references[${i}]`, truth));
    truths.forEach((truth, i) => {
      this.edits += editDistance(guesses[i], truth);
      this.count += truth.length;
    });
  }

  /** @throws ArgumentError when no reference had a symbol */
  compute(): number {
    checkSeen(this.owner, this.count);
    return this.edits / this.count;
  }

  reset(): void {
    this.edits = 0;
    this.count = 0;
  }

  protected abstract units(owner: string, argument: string, symbols: Symbols): (string | number)[];
}

/**
 * Word error rate: the words inserted, deleted and exchanged, over the words of the references. It
 * may be above 1.
 *
 * @example
 * ```ts
 * const wer = new WordErrorRate();
 * wer.update(['the cat sat', 'a dog'], ['the cat sat down', 'a dog']);
 * wer.compute();   // 1 / 6
 * ```
 * A text is cut at white space; a list is taken as words.
 *
 * Differs from PyTorch: has no counterpart there.
 */
export class WordErrorRate extends ErrorRate {
  constructor() {
    super('WordErrorRate');
  }

  protected override units(owner: string, argument: string, symbols: Symbols): (string | number)[] {
    if (typeof symbols === 'string') return symbols.split(/\s+/u).filter((word) => word !== '');
    return Array.from(symbolsOf(owner, argument, symbols));
  }
}

/**
 * Character error rate: the characters inserted, deleted and exchanged, over the characters of the
 * references. It may be above 1.
 *
 * @example
 * ```ts
 * const cer = new CharErrorRate();
 * cer.update(['sitting'], ['kitten']);
 * cer.compute();   // 0.5
 * ```
 * A text is compared by code points; a list is taken symbol by symbol.
 *
 * Differs from PyTorch: has no counterpart there.
 */
export class CharErrorRate extends ErrorRate {
  constructor() {
    super('CharErrorRate');
  }

  protected override units(owner: string, argument: string, symbols: Symbols): (string | number)[] {
    return Array.from(symbolsOf(owner, argument, symbols));
  }
}

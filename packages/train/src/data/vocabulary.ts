import { ArgumentError, StateDictError } from '@rnn/core';
import { checkCount, checkFlag, checkList, checkOptions, checkText, isIterable, refuse } from '@rnn/core/checks';

export interface VocabularyOptions {
  /**
   * Tokens that no text gives, in front of all others, such as `['<pad>', '<bos>', '<eos>']`; none
   * unless given.
   */
  readonly specials?: readonly string[];
  /**
   * The token that stands for all that are not in the vocabulary, such as `'<unk>'`; none unless
   * given: then `encode` refuses them.
   */
  readonly unknown?: string;
  /** How often a token must occur to be taken in; 1 unless given. */
  readonly minCount?: number;
}

/** A vocabulary as plain values that JSON keeps. */
export interface VocabularyStateDict {
  /** By index. */
  readonly tokens: readonly string[];
  /** How many of them, from the first, are specials. */
  readonly specials: number;
  /** The index that stands for what is not in the vocabulary, or -1. */
  readonly unknown: number;
}

/**
 * Tokens of texts by number, and back.
 *
 * @example
 * ```ts
 * const vocabulary: Vocabulary = new WordVocabulary('to be or not to be');
 * vocabulary.tokens; // ['be', 'to', 'not', 'or']
 * vocabulary.encode('not to'); // [2, 1]
 * ```
 */
export abstract class Vocabulary {
  protected readonly owner: string;
  private list: readonly string[] = [];
  private index: ReadonlyMap<string, number> = new Map();
  private specials = 0;
  private unknown = -1;

  protected constructor(owner: string, options: VocabularyOptions) {
    this.owner = owner;
    const { specials = [], unknown, minCount = 1 } = options;
    checkCount(owner, 'minCount', minCount, 1);
    checkList(owner, 'specials', specials, 'texts');
    specials.forEach((special, i) => checkText(owner, `specials[${i}]`, special));
    if (unknown !== undefined) checkText(owner, 'unknown', unknown);
  }

  /** A subclass calls this at the end of its constructor. */
  protected build(texts: string | Iterable<string>, options: VocabularyOptions): void {
    const { owner } = this;
    const { specials = [], unknown, minCount = 1 } = options;
    if (typeof texts !== 'string' && !isIterable(texts)) {
      refuse(ArgumentError, owner, 'texts', { value: texts, expected: 'a text or a list of texts' });
    }
    const first = unknown === undefined || specials.includes(unknown) ? specials : [...specials, unknown];
    const taken = new Set(first);
    if (taken.size < first.length) {
      refuse(ArgumentError, owner, 'specials', { received: `[${first.join(', ')}]`, expected: 'each token once' });
    }
    const counts = new Map<string, number>();
    for (const text of typeof texts === 'string' ? [texts] : texts) {
      checkText(owner, 'each of texts', text);
      for (const token of this.tokensOf(text)) counts.set(token, (counts.get(token) ?? 0) + 1);
    }
    const found = [...counts].filter(([token, count]) => count >= minCount && !taken.has(token));
    this.set([...first, ...this.ordered(found)], first.length, unknown === undefined ? -1 : first.indexOf(unknown));
  }

  /** Number of tokens: what an embedding needs. */
  get size(): number {
    return this.list.length;
  }

  /** All tokens by index. */
  get tokens(): readonly string[] {
    return this.list;
  }

  /**
   * The index of one token.
   *
   * @example
   * ```ts
   * const vocabulary = new CharVocabulary('abba', { unknown: '?' });
   * vocabulary.indexOf('x') === vocabulary.indexOf('?'); // true
   * ```
   * @throws ArgumentError when it is not in the vocabulary and there is no `unknown`
   */
  indexOf(token: string): number {
    return this.lookUp('indexOf', token);
  }

  /**
   * A text as indices.
   *
   * @param text - any text
   * @returns as many indices as the text has tokens
   * @throws ArgumentError for a token that is not in the vocabulary, unless there is an `unknown`
   */
  encode(text: string): Int32Array {
    checkText(`${this.owner}.encode`, 'text', text);
    return Int32Array.from(this.tokensOf(text), (token) => this.lookUp('encode', token));
  }

  /**
   * The text of indices.
   *
   * @example
   * ```ts
   * const vocabulary = new CharVocabulary('abba c');
   * vocabulary.decode(vocabulary.encode('cab')); // 'cab'
   * ```
   * @param indices - a list or an `Int32Array`
   * @param options - `skipSpecials`: whether to leave out the special tokens; false unless given
   * @throws ArgumentError for a number that is no index
   */
  decode(indices: ArrayLike<number>, options: { readonly skipSpecials?: boolean } = {}): string {
    const owner = `${this.owner}.decode`;
    if (!(Array.isArray(indices) || ArrayBuffer.isView(indices))) {
      refuse(ArgumentError, owner, 'indices', { value: indices, expected: 'a list of indices' });
    }
    checkOptions(owner, options, ['skipSpecials']);
    const { skipSpecials = false } = options;
    checkFlag(owner, 'skipSpecials', skipSpecials);
    const tokens: string[] = [];
    Array.from<number>(indices).forEach((index, i) => {
      checkCount(owner, `indices[${i}]`, index, 0, this.size - 1);
      if (!skipSpecials || index >= this.specials) tokens.push(this.list[index]);
    });
    return this.textOf(tokens);
  }

  /**
   * The vocabulary as plain values that JSON keeps.
   *
   * @example
   * ```ts
   * const vocabulary = new CharVocabulary('abba c');
   * vocabulary.stateDict().tokens.length; // 4
   * ```
   */
  stateDict(): VocabularyStateDict {
    return { tokens: [...this.list], specials: this.specials, unknown: this.unknown };
  }

  /**
   * Takes over what `stateDict` gave, in the place of the tokens so far.
   *
   * @example
   * ```ts
   * const vocabulary = new CharVocabulary('abba c');
   * const server = new CharVocabulary('');
   * server.loadStateDict(JSON.parse(JSON.stringify(vocabulary.stateDict())));
   * server.size; // 4
   * ```
   * @throws StateDictError when it is no vocabulary; then nothing has changed
   */
  loadStateDict(dict: VocabularyStateDict): void {
    const { tokens, specials, unknown } = (dict ?? {}) as Partial<VocabularyStateDict>;
    const isWhole = (value: unknown, least: number, most: number): value is number =>
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
    const isVocabulary =
      Array.isArray(tokens) &&
      tokens.every((token) => typeof token === 'string') &&
      new Set(tokens).size === tokens.length &&
      isWhole(specials, 0, tokens.length) &&
      isWhole(unknown, -1, tokens.length - 1);
    if (!isVocabulary) {
      const expected = '{ tokens, specials, unknown } with each token once, as stateDict gives it';
      refuse(StateDictError, this.owner, 'stateDict', { value: dict, expected });
    }
    this.set([...(tokens as readonly string[])], specials, unknown);
  }

  /** The tokens of a text, in order. */
  protected abstract tokensOf(text: string): readonly string[];
  /** The text of tokens. */
  protected abstract textOf(tokens: readonly string[]): string;
  /** Tokens with their counts, in the order of their indices. */
  protected abstract ordered(found: readonly (readonly [string, number])[]): string[];

  private set(list: readonly string[], specials: number, unknown: number): void {
    this.list = list;
    this.index = new Map(list.map((token, i) => [token, i]));
    this.specials = specials;
    this.unknown = unknown;
  }

  private lookUp(operation: string, token: string): number {
    const found = this.index.get(token) ?? this.unknown;
    if (found >= 0) return found;
    return refuse(ArgumentError, `${this.owner}.${operation}`, 'token', {
      value: token,
      expected: `one of the ${this.size} of the vocabulary`,
      hint: "make the vocabulary with unknown: '<unk>' to take any",
    });
  }
}

/** Compares texts by code points, which no language setting of a machine changes. */
export function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const length = Math.min(left.length, right.length);
  for (let i = 0; i < length; i++) {
    const difference = (left[i].codePointAt(0) ?? 0) - (right[i].codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

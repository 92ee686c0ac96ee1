import { checkCount, checkFunction, checkList, checkOptions, checkText } from '@rnn/core/checks';
import { byCodePoint, Vocabulary, type VocabularyOptions } from './vocabulary.js';

export interface WordVocabularyOptions extends VocabularyOptions {
  /**
   * How many words to take in, the most frequent first; all unless given. Specials and `unknown`
   * are not counted.
   */
  readonly maxWords?: number;
  /**
   * Cuts a text into words; at white space unless given. It is no part of the state: give it again
   * when loading.
   */
  readonly tokenize?: (text: string) => readonly string[];
}

/**
 * The words of texts by number: specials first, then words from the most frequent to the rarest;
 * equally frequent ones by code points.
 *
 * @example
 * ```ts
 * const vocabulary = new WordVocabulary(['the cat', 'the dog'], {
 *   specials: ['<pad>'],
 *   unknown: '<unk>',
 * });
 * vocabulary.tokens; // ['<pad>', '<unk>', 'the', 'cat', 'dog']
 * vocabulary.encode('the cow'); // Int32Array [2, 1]
 * vocabulary.decode([2, 3]); // 'the cat'
 * ```
 * @param texts - one text, or several; none where `loadStateDict` follows
 * @param options - `specials` none, `unknown` none, `minCount` 1, `maxWords` all, `tokenize` at
 *   white space
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: has no counterpart there; the order is that of torchtext's
 * `build_vocab_from_iterator`.
 */
export class WordVocabulary extends Vocabulary {
  private readonly maxWords: number;
  private readonly tokenize: (text: string) => readonly string[];

  constructor(texts: string | Iterable<string> = [], options: WordVocabularyOptions = {}) {
    const owner = 'WordVocabulary';
    checkOptions(owner, options, ['specials', 'unknown', 'minCount', 'maxWords', 'tokenize']);
    const { maxWords, tokenize = atSpaces } = options;
    if (maxWords !== undefined) checkCount(owner, 'maxWords', maxWords, 1);
    checkFunction(owner, 'tokenize', tokenize, '(text) => string[]');
    super(owner, options);
    this.maxWords = maxWords ?? Infinity;
    this.tokenize = tokenize;
    this.build(texts, options);
  }

  protected override tokensOf(text: string): readonly string[] {
    const tokens: unknown = this.tokenize(text);
    checkList('WordVocabulary', 'the result of tokenize', tokens, 'texts');
    tokens.forEach((token, i) => checkText('WordVocabulary', `the result of tokenize[${i}]`, token));
    return tokens as readonly string[];
  }

  protected override textOf(tokens: readonly string[]): string {
    return tokens.join(' ');
  }

  protected override ordered(found: readonly (readonly [string, number])[]): string[] {
    const sorted = [...found].sort(([a, m], [b, n]) => n - m || byCodePoint(a, b));
    return sorted.slice(0, this.maxWords).map(([token]) => token);
  }
}

function atSpaces(text: string): string[] {
  return text.split(/\s+/u).filter((word) => word !== '');
}

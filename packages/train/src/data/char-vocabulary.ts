import { checkOptions } from '@rnn/core/checks';
import { byCodePoint, Vocabulary, type VocabularyOptions } from './vocabulary.js';

/**
 * The characters of texts by number: specials first, then characters (code points) in their order.
 *
 * @example
 * ```ts
 * const vocabulary = new CharVocabulary('hello');   // e h l o
 * vocabulary.encode('hole');                        // Int32Array [1, 3, 2, 0]
 * vocabulary.decode([1, 0]);                        // 'he'
 * const text = JSON.stringify(vocabulary.stateDict());   // saved beside the model
 * ```
 * @param texts - one text, or several; none where `loadStateDict` follows
 * @param options - `specials` none, `unknown` none, `minCount` 1
 * @throws ArgumentError when an option makes no sense
 *
 * Differs from PyTorch: has no counterpart there; the order is that of Python's
 * `sorted(set(text))`.
 */
export class CharVocabulary extends Vocabulary {
  constructor(texts: string | Iterable<string> = [], options: VocabularyOptions = {}) {
    checkOptions('CharVocabulary', options, ['specials', 'unknown', 'minCount']);
    super('CharVocabulary', options);
    this.build(texts, options);
  }

  protected override tokensOf(text: string): string[] {
    return Array.from(text);
  }

  protected override textOf(tokens: readonly string[]): string {
    return tokens.join('');
  }

  protected override ordered(found: readonly (readonly [string, number])[]): string[] {
    return found.map(([token]) => token).sort(byCodePoint);
  }
}

/** A vocabulary in an exported module. */

export interface VocabularyData {
  readonly tokens: readonly string[];
  /** How many of them, from the first, no text gives. */
  readonly specials: number;
  /** The index of the token for all others, or -1. */
  readonly unknown: number;
  /**
   * How texts are cut: into characters, at white space, or by a function that did not come along.
   */
  readonly cut: 'characters' | 'words' | 'none';
}

interface ExportedVocabulary {
  readonly tokens: readonly string[];
  readonly encode: (text: string | readonly string[]) => Int32Array;
  readonly decode: (indices: ArrayLike<number>, skipSpecials?: boolean) => string;
}

export function createVocabulary({ tokens, specials, unknown, cut }: VocabularyData): ExportedVocabulary {
  const places = new Map(tokens.map((token, i) => [token, i]));
  const encode = (text: string | readonly string[]): Int32Array => {
    if (typeof text === 'string' && cut === 'none')
      throw new TypeError(
        'vocabulary.encode: texts are cut by a function that is not part of the module; give a list of tokens',
      );
    const list =
      typeof text !== 'string' ? text : cut === 'characters' ? Array.from(text) : text.split(/\s+/u).filter(Boolean);
    return Int32Array.from(list, (token) => {
      const index = places.get(token) ?? unknown;
      if (index < 0) throw new RangeError(`vocabulary.encode: ${JSON.stringify(token)} is not in the vocabulary`);
      return index;
    });
  };
  const decode = (indices: ArrayLike<number>, skipSpecials = false): string =>
    Array.from(indices)
      .filter((index) => !skipSpecials || index >= specials)
      .map((index) => {
        if (tokens[index] === undefined) throw new RangeError(`vocabulary.decode: ${index} is no index`);
        return tokens[index];
      })
      .join(cut === 'characters' ? '' : ' ');
  return { tokens, encode, decode };
}

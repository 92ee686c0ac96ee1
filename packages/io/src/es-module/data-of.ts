/**
 * What goes along of a scaler and a vocabulary: numbers and texts, found by asking them, so that
 * any of their kind will do.
 */
import { ArgumentError } from '@rnn/core';
import { refuse } from '@rnn/core/checks';
import type { ScalerData } from './runtime/scaler.js';
import type { VocabularyData } from './runtime/vocabulary.js';

/** What a scaler can do, such as `StandardScaler` of `@rnn/train`. */
export interface ScalerLike {
  stateDict(): { readonly offset: readonly number[]; readonly scale: readonly number[] };
  transform(values: { readonly shape: readonly number[]; readonly data: Float64Array }): {
    readonly data: ArrayLike<number>;
  };
}

/** What a vocabulary can do, such as `CharVocabulary` of `@rnn/train`. */
export interface VocabularyLike {
  stateDict(): { readonly tokens: readonly string[]; readonly specials: number; readonly unknown: number };
  encode(text: string): ArrayLike<number>;
  decode(indices: readonly number[]): string;
}

export function scalerData(scaler: ScalerLike): ScalerData {
  checkMethods('scaler', scaler, ['stateDict', 'transform']);
  const { offset, scale } = scaler.stateDict();
  // What an offset becomes: a scaler into a range does not keep that in its state.
  const [base] = Array.from(scaler.transform({ shape: [1, offset.length], data: Float64Array.from(offset) }).data);
  const isFit = offset.length === scale.length && [...offset, ...scale, base].every(Number.isFinite);
  if (!isFit) {
    const expected = 'a fitted scaler: an offset and a scale for each feature';
    refuse(ArgumentError, 'exportModule', 'scaler', { value: scaler, expected });
  }
  return { offset: [...offset], scale: [...scale], base };
}

export function vocabularyData(vocabulary: VocabularyLike): VocabularyData {
  checkMethods('vocabulary', vocabulary, ['stateDict', 'encode', 'decode']);
  const { tokens, specials, unknown } = vocabulary.stateDict();
  if (tokens.length === 0) {
    const expected = 'a vocabulary with tokens';
    refuse(ArgumentError, 'exportModule', 'vocabulary', { received: 'empty', expected });
  }
  return { tokens: [...tokens], specials, unknown, cut: cutOf(vocabulary, tokens, specials) };
}

function checkMethods(argument: string, value: object, methods: readonly string[]): void {
  const has = (name: string): boolean =>
    typeof value === 'object' && typeof (value as Record<string, unknown> | null)?.[name] === 'function';
  if (methods.every(has)) return;
  const expected = `an object with the methods ${methods.join(', ')}`;
  refuse(ArgumentError, 'exportModule', argument, { value, expected });
}

/**
 * How a vocabulary cuts texts: by characters or at white space, if that is what it does with its
 * own tokens.
 */
function cutOf(vocabulary: VocabularyLike, tokens: readonly string[], specials: number): VocabularyData['cut'] {
  const [token] = tokens;
  const twice = vocabulary.decode([0, 0]);
  if (twice === token + token) return 'characters';
  const own = tokens.slice(specials);
  const text = own.join(' ');
  const joined = ` ${text}\n`;
  try {
    const isPlain =
      twice === `${token} ${token}` &&
      Array.from(vocabulary.encode(joined)).join() === own.map((_, i) => specials + i).join();
    return isPlain ? 'words' : 'none';
  } catch (error) {
    // A tokeniser that makes something else of the tokens, for which there is no index.
    if (error instanceof ArgumentError) return 'none';
    throw error;
  }
}

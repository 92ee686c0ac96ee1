import type { Backend, DType } from '@rnn/core';

/** Where a module's parameters are made. */
export interface PlaceOptions {
  /** `float32` unless said otherwise. */
  readonly dtype?: DType;
  /** The one of `setBackend` unless said otherwise. */
  readonly backend?: Backend;
}

/**
 * The names of `PlaceOptions`, for `checkOptions`. A list at the top of a file joins them by a pure
 * `concat`: a bundler leaves that out where nobody uses the list, but never a spread.
 */
export const placeOptions = ['dtype', 'backend'] as const;

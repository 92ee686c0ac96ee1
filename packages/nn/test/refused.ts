import { RnnError } from '@rnn/core';
import { expect, it } from 'vitest';

/**
 * One test for each wrong call: it throws an error of the library with that message (or a part of
 * it).
 */
export function checkRefused(mistakes: readonly (readonly [call: () => unknown, message: string | RegExp])[]): void {
  it.each(mistakes.map(([call, message]) => [String(message), message, call] as const))(
    'refuses: %s',
    (_, message, call) => {
      expect(call).toThrow(message);
      expect(call).toThrow(RnnError);
    },
  );
}

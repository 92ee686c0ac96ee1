import { ArgumentError } from '@rnn/core';
import { refuse } from '@rnn/core/checks';

/** The bytes that a reader was given, as a view. */
export function givenBytes(operation: string, bytes: unknown): Uint8Array {
  // By tags: bytes of another realm, as of a frame or a test's sandbox, are bytes.
  const tag = Object.prototype.toString.call(bytes);
  if (tag === '[object Uint8Array]') return bytes as Uint8Array;
  if (tag === '[object ArrayBuffer]') return new Uint8Array(bytes as ArrayBuffer);
  refuse(ArgumentError, operation, 'bytes', { value: bytes, expected: 'a Uint8Array or an ArrayBuffer' });
}

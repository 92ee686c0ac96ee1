import { ArgumentError } from '@rnn/core';
import { checkBackend, checkChoice, checkOptions, refuse } from '@rnn/core/checks';
import type { FloatType, ReadOptions } from './host-tensor.js';

/** The bytes that a reader was given, as a view. */
export function givenBytes(operation: string, bytes: unknown): Uint8Array {
  // By tags: bytes of another realm, as of a frame or a test's sandbox, are bytes.
  const tag = Object.prototype.toString.call(bytes);
  if (tag === '[object Uint8Array]') return bytes as Uint8Array;
  if (tag === '[object ArrayBuffer]') return new Uint8Array(bytes as ArrayBuffer);
  refuse(ArgumentError, operation, 'bytes', { value: bytes, expected: 'a Uint8Array or an ArrayBuffer' });
}

const floats: readonly FloatType[] = ['float32', 'float64'];

/** Checks what a reader was told besides. */
export function checkReadOptions(
  operation: string,
  options: ReadOptions,
  known: readonly string[] = ['backend', 'dtype'],
): void {
  checkOptions(operation, options, known);
  if (options.backend !== undefined) checkBackend(operation, 'backend', options.backend);
  if (options.dtype !== undefined) checkChoice(operation, 'dtype', options.dtype, floats);
}

import { RnnError } from '@rnn/core';
import type { SentError } from './protocol.js';

/** An error in a form that goes from thread to thread. */
export function sentError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined, details: {} };
  const { name, message, stack } = error;
  const plain = ['string', 'number', 'boolean'];
  const own = Object.entries(error).filter(([field, value]) => field !== 'name' && plain.includes(typeof value));
  return { name, message, stack, details: Object.fromEntries(own) };
}

/**
 * The error again: an `RnnError` where it was one, with the name, the fields and the stack that it
 * had.
 */
export function receivedError({ name, message, stack, details }: SentError): Error {
  const { code } = details;
  const error = typeof code === 'string' && code.startsWith('ERR_') ? new RnnError(code, message) : new Error(message);
  return Object.assign(error, details, { name, message }, stack === undefined ? {} : { stack });
}

/** Base64 as an exported module reads it, against Node's. */
import { expect, test } from 'vitest';
import { base64Of } from '../../src/es-module/base64.js';
import { bytesOf } from '../../src/es-module/runtime/weights.js';

test.each([0, 1, 2, 3, 4, 5, 6, 255, 256, 257])('%i bytes', (length) => {
  const bytes = Uint8Array.from({ length }, (_, i) => (i * 151 + 7) & 255);
  const text = Buffer.from(bytes).toString('base64');
  expect(bytesOf(text)).toEqual(bytes);
  expect(bytesOf(base64Of(bytes))).toEqual(bytes);
});

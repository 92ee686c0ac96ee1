import { expect, test } from 'vitest';
import { backendWith } from './compile-backend.js';
import { expectArgmax } from './reduce-cases.js';

test('argmax of long lines is the first place of the largest value or of a NaN', async () => {
  const backend = await backendWith('cpu');
  await expectArgmax(backend, 40);
  expect(backend.device.arrays).toBe(0);
});

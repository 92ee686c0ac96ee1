/** The operator table and what is written of it. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { operators } from '../../src/onnx/operators/index.js';

test('the README lists the operators that are read', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const [, list] = /<summary>The operators that are read<\/summary>\s+([^<]+)<\/details>/.exec(readme) ?? [];
  expect(list?.trim().split(/,\s+/)).toEqual(Object.keys(operators).sort());
});

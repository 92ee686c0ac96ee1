import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { documents, parse } from '../src/documents.ts';
import { storedOutput, twins } from '../src/twins.ts';

const all = documents().flatMap(twins);
const python = process.env.PYTHON;

test('there are Python programs to compare with', () => {
  expect(all.length).toBeGreaterThan(3);
});

// That the twin in TypeScript prints the same is checked with all other examples.
test.each(all)('$place prints in Python what the document says', ({ python: program, output }) => {
  expect(output, 'a python block is followed by its ts twin and by the text that both print').toBeDefined();
  const stored = storedOutput(program);
  expect(
    stored,
    'the program changed: look at its twin, then run tooling/doc-examples/src/run-python.ts',
  ).toBeDefined();
  expect(stored).toBe(output);
});

test.for(all)('$place runs in Python', { timeout: 120_000 }, (twin, { task, skip }) => {
  if (python === undefined) {
    const skipped = 'PYTHON does not name a Python with PyTorch';
    Object.assign(task.meta, { skipped });
    return skip(skipped);
  }
  expect(execFileSync(python, ['-c', twin.python], { encoding: 'utf8' }).trimEnd()).toBe(twin.output);
});

test('a program without a twin is found', () => {
  const [twin] = twins(parse('guide.md', '```python\nprint(1)\n```\n\n```text\n1\n```\n'));
  expect(twin?.output).toBeUndefined();
});

test('a changed program has no stored output', () => {
  expect(storedOutput('print(1)')).toBeUndefined();
});

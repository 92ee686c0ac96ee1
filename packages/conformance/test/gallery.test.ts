import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(join(import.meta.dirname, path), 'utf8');

test('the page shows the steps that are tested, and each takes twenty lines at most', () => {
  const source = read('../src/gallery/steps.ts');
  const steps = source.split(/^\/\*\*[^]*?\*\/\n/m).filter((part) => part.startsWith('export const'));
  expect(steps.length).toBe(8);
  const page = read('../../../docs/gallery.md');
  for (const step of steps) {
    expect(page).toContain(step.trimEnd());
    expect(step.trimEnd().split('\n').length).toBeLessThanOrEqual(20);
  }
});

/** Tests of what a compiler for Rust has to have built first. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { crateDigest } from '../scripts/build-crate.js';

const file = (suffix: string): string => fileURLToPath(new URL(`../build/rnn-native.node${suffix}`, import.meta.url));

/** Why there is nothing to test, where the crate could not be built. */
function reasonOfAbsence(): string | undefined {
  return existsSync(file('.missing')) ? readFileSync(file('.missing'), 'utf8') : undefined;
}

/** A `describe` that is one skipped test, with the reason, where the crate could not be built. */
export function built(name: string, body: () => void): void {
  const reason = reasonOfAbsence();
  describe(name, () => {
    test('the crate is built from what stands there: if not, run turbo run generate', ({ task, skip }) => {
      if (reason !== undefined) {
        Object.assign(task.meta, { skipped: reason });
        skip(reason);
      }
      expect(existsSync(file('.sources')) && readFileSync(file('.sources'), 'utf8')).toBe(crateDigest());
    });
    if (reason === undefined) body();
  });
}

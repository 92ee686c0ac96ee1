import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkOf, exports } from '../src/tsdoc.ts';

const all = exports();
const methods = all.flatMap((each) => each.methods);

describe('whatever is exported', () => {
  test('has an example', () => {
    expect(all.length).toBeGreaterThan(300);
    expect(all.filter(({ example }) => example === undefined).map(({ name }) => name)).toEqual([]);
  });

  test('has a description of each of its methods', () => {
    expect(methods.filter(({ isDescribed }) => !isDescribed).map(({ name }) => name)).toEqual([]);
  });

  // The example of a class that calls a method is one of the method.
  test('shows each of its methods in an example', () => {
    expect(methods.length).toBeGreaterThan(150);
    const hidden = methods.filter(({ name, isShown }) => !isShown && /^@rnn\/(nn|io|train)\b/.test(name));
    expect(hidden.map(({ name }) => name)).toEqual([]);
  });

  test('does what its example says, where that stands by itself', { timeout: 300_000 }, () => {
    const checks = [...all, ...methods].flatMap((each) => checkOf(each) ?? []);
    expect(checks.length).toBeGreaterThan(200);
    const build = join(import.meta.dirname, '../build/tsdoc');
    mkdirSync(build, { recursive: true });
    const file = join(build, 'checks.json');
    writeFileSync(file, JSON.stringify(checks));
    const output = execFileSync(process.execPath, [join(import.meta.dirname, '../src/check-examples.ts'), file], {
      encoding: 'utf8',
      maxBuffer: 2 ** 26,
    });
    expect(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '')).toEqual({});
  });
});

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Code } from 'mdast';
import type { Document } from './documents.ts';

const file = join(import.meta.dirname, '../python-output.json');

/** A Python program in a document, and what it and its twin in TypeScript print. */
export interface Twin {
  /** The document and the line of the Python program. */
  readonly place: string;
  readonly python: string;
  /** Absent when no twin or no output follows. */
  readonly output: string | undefined;
}

/**
 * The Python programs of a document: each is followed by its twin, a `ts` block, and this by the
 * output of both.
 */
export function twins({ path, children }: Document): Twin[] {
  const blocks = children.filter((node): node is Code => node.type === 'code');
  return blocks.flatMap(({ lang, value, position }, i) => {
    if (lang !== 'python') return [];
    const [twin, text] = [blocks[i + 1], blocks[i + 2]];
    const output = twin?.lang === 'ts' && text?.lang === 'text' ? text.value : undefined;
    return [{ place: `${path}:${position?.start.line}`, python: value, output }];
  });
}

/**
 * What Python printed for a program when it last ran, or undefined for a program that never ran as
 * it stands.
 */
export function storedOutput(python: string): string | undefined {
  return (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)[digest(python)];
}

/** Notes what Python printed, for machines without it. */
export function storeOutputs(outputs: readonly { readonly python: string; readonly output: string }[]): void {
  const entries = outputs.map(({ python, output }) => [digest(python), output]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`);
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

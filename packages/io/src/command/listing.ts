import { sizeOf } from '@rnn/core';
import type { Contents } from './contents.js';

/** Metadata longer than this are cut in a listing. */
const LONGEST_VALUE = 200;

/** What a file holds, as a table. */
export function listing({ format, tensors, metadata, parts = [] }: Contents): string {
  const rows = tensors.map(({ name, type, shape, bytes }) => [
    shown(name),
    type,
    `[${shape.join(', ')}]`,
    grouped(bytes),
  ]);
  const table = aligned([['tensor', 'type', 'shape', 'bytes'], ...rows]);
  const elements = tensors.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const bytes = tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const noted = [...parts, { title: 'metadata', notes: metadata }].flatMap(({ title, notes }) =>
    notes.length === 0 ? [] : [title, ...notes.map(([key, value]) => `  ${shown(key)}: ${cut(shown(value))}`), ''],
  );
  return [
    ...(tensors.length === 0 ? [] : [...table, '']),
    ...noted,
    `${format}: ${counted(tensors.length, 'tensor')}, ${counted(elements, 'number')}, ${counted(bytes, 'byte')}`,
  ].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell.padStart(widths[column]) : cell.padEnd(widths[column])))
      .join('  '),
  );
}

/** A text of a file, which may hold anything, without what would steer a terminal. */
export function shown(text: string): string {
  return text.replace(/\p{C}/gu, (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`);
}

function cut(text: string): string {
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}... (${grouped(text.length)} characters)` : text;
}

/** So many of something. */
export function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** Digits in groups of three, the same in every locale. */
function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

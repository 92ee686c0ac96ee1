import { refuse } from './checks/refusal.js';
import type { DType } from './dtype.js';
import { ArgumentError } from './errors.js';

/** PyTorch's print options at their defaults. */
const PRECISION = 4;
const LINE_WIDTH = 80;
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;

/**
 * The most digits that `toExponential` gives: enough to tell every double from the decimals of a
 * few digits near it.
 */
const MOST_DIGITS = 100;

const PREFIX = 'tensor(';
/** Stands among the indices of a summarised dimension for those left out. */
const GAP = -1;

/** A tensor's numbers and what is to be said of it. */
export interface Printable {
  /** The elements, row-major. */
  readonly data: ArrayLike<number>;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** What follows the numbers and the type: `requires_grad=True` or `grad_fn=<TanhBackward0>`. */
  readonly suffix?: readonly string[];
}

/** How all elements of one tensor are written: one notation, one width. */
interface Notation {
  readonly width: number;
  readonly write: (value: number) => string;
}

/** What the recursion over the dimensions reads. */
interface Layout {
  readonly data: ArrayLike<number>;
  /** For each dimension the indices that are printed, with `GAP` in between where some are not. */
  readonly shown: readonly (readonly number[])[];
  /** How many elements lie between neighbours along each dimension. */
  readonly strides: readonly number[];
}

/**
 * The text that PyTorch's `print` gives for a tensor: four decimals, or scientific notation where
 * sizes differ too much; one column width;
 * lines of 80 characters; the first and last three of each dimension where there are more than 1000
 * elements.
 *
 * @example
 * ```ts
 * formatTensor({
 *   data: [0.5, -0.25],
 *   shape: [2],
 *   dtype: 'float32',
 *   suffix: ['grad_fn=<TanhBackward0>'],
 * });
 * // tensor([ 0.5000, -0.2500], grad_fn=<TanhBackward0>)
 * ```
 * @param tensor its elements (as many as the shape says), shape, type, and what else is to be said
 * @returns the text, of several lines where needed
 * @throws ArgumentError if `data` does not have the shape's number of elements
 *
 * Differs from PyTorch: in no character, for the three types there are here.
 */
export function formatTensor({ data, shape, dtype, suffix = [] }: Printable): string {
  const count = shape.reduce((product, size) => product * size, 1);
  if (data.length !== count) {
    refuse(ArgumentError, 'formatTensor', 'data', {
      has: 'length',
      received: String(data.length),
      expected: `${count} for shape [${shape.join(', ')}]`,
    });
  }
  const notes: string[] = [];
  if (count === 0 && shape.length !== 1) notes.push(`size=(${shape.join(', ')})`);
  if (dtype !== 'float32') notes.push(`dtype=torch.${dtype}`);
  notes.push(...suffix);
  return appendNotes(PREFIX + (count === 0 ? '[]' : body(data, shape, dtype, count)), notes);
}

function body(data: ArrayLike<number>, shape: readonly number[], dtype: DType, count: number): string {
  const summarised = count > THRESHOLD;
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const layout = { data, strides, shown: shape.map((size) => shownIndices(size, summarised)) };
  const values = shownValues(layout);
  return block(layout, dtype === 'int32' ? integerNotation(values) : floatNotation(values), 0, 0);
}

function shownIndices(size: number, summarised: boolean): number[] {
  if (!summarised || size <= 2 * EDGE_ITEMS) return Array.from({ length: size }, (_, i) => i);
  const first = Array.from({ length: EDGE_ITEMS }, (_, i) => i);
  return [...first, GAP, ...first.map((i) => size - EDGE_ITEMS + i)];
}

/** The elements that are printed: they alone decide on notation and width. */
function shownValues({ data, shown, strides }: Layout): number[] {
  let offsets = [0];
  for (const [axis, indices] of shown.entries()) {
    const kept = indices.filter((index) => index !== GAP);
    offsets = offsets.flatMap((offset) => kept.map((index) => offset + index * strides[axis]));
  }
  return offsets.map((offset) => data[offset]);
}

/**
 * One element, or the bracketed block of everything below one index of the dimensions before
 * `axis`.
 */
function block(layout: Layout, notation: Notation, axis: number, offset: number): string {
  const dimensionsLeft = layout.shown.length - axis;
  if (dimensionsLeft === 0) return notation.write(layout.data[offset]).padStart(notation.width);
  const vector = dimensionsLeft === 1;
  const parts = layout.shown[axis].map((index) => {
    if (index === GAP) return vector ? ' ...' : '...';
    return block(layout, notation, axis + 1, offset + index * layout.strides[axis]);
  });
  const indent = PREFIX.length + axis;
  const margin = ' '.repeat(indent + 1);
  // Rows stand on lines of their own, matrices have an empty line between them, and so on.
  if (!vector) return `[${parts.join(`,${'\n'.repeat(dimensionsLeft - 1)}${margin}`)}]`;
  const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent) / (notation.width + ', '.length)));
  const lines: string[] = [];
  for (let i = 0; i < parts.length; i += perLine) lines.push(parts.slice(i, i + perLine).join(', '));
  return `[${lines.join(`,\n${margin}`)}]`;
}

function integerNotation(values: readonly number[]): Notation {
  return { width: widest(values, String), write: String };
}

/**
 * Zeros, infinities and NaN have no say: scientific if of the others the largest in size is over
 * 1000 times the smallest, or over 1e8, or the smallest is under 1e-4; a bare point after each
 * number if all are whole; four decimals otherwise.
 */
function floatNotation(values: readonly number[]): Notation {
  const decisive = values.filter((value) => Number.isFinite(value) && value !== 0);
  let largest = 0;
  let smallest = Infinity;
  for (const value of decisive) {
    largest = Math.max(largest, Math.abs(value));
    smallest = Math.min(smallest, Math.abs(value));
  }
  const scientific = largest / smallest > 1000 || largest > 1e8 || smallest < 1e-4;
  const plain = decisive.every(Number.isInteger) ? writeWhole : writeFixed;
  const finite = scientific ? writeScientific : plain;
  const write = (value: number): string => {
    if (Number.isNaN(value)) return 'nan';
    if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
    return Object.is(value, -0) ? `-${finite(0)}` : finite(value);
  };
  return { width: widest(decisive, write), write };
}

function widest(values: readonly number[], write: (value: number) => string): number {
  return values.reduce((width, value) => Math.max(width, write(value).length), 1);
}

function writeWhole(value: number): string {
  return `${value}.`;
}

/**
 * Python's `{:.4f}`. Half-way between two results are the odd multiples of 1/20000 that a double
 * can hold: those of 1/32.
 */
function writeFixed(value: number): string {
  return evenOnTie(value.toFixed(PRECISION), Math.abs(value * 32) % 2 === 1);
}

/**
 * Python's `{:.4e}`: at least two digits of exponent. A number is half-way between two results if
 * its own digits end in a 5 after those.
 */
function writeScientific(value: number): string {
  const [mantissa, exponent] = value.toExponential(PRECISION).split('e');
  const allDigits = value.toExponential(MOST_DIGITS);
  const digits = evenOnTie(mantissa, /^-?\d\.\d{4}50*e/.test(allDigits));
  return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`;
}

/**
 * JavaScript rounds a number half-way between two results away from zero, Python to the even last
 * digit.
 */
function evenOnTie(digits: string, tie: boolean): string {
  const last = Number(digits.slice(-1));
  return tie && last % 2 === 1 ? digits.slice(0, -1) + String(last - 1) : digits;
}

/**
 * Adds what follows the numbers and the closing bracket; a note that does not fit the line begins a
 * new one.
 */
function appendNotes(start: string, notes: readonly string[]): string {
  const indent = ' '.repeat(PREFIX.length);
  let text = start;
  // PyTorch counts two columns too many for the line that ends the numbers.
  let used = text.length - (text.lastIndexOf('\n') + 1) + 2;
  for (const note of notes) {
    if (used + note.length + 2 > LINE_WIDTH) {
      text += `,\n${indent}${note}`;
      used = indent.length + note.length;
    } else {
      text += `, ${note}`;
      used += note.length + 2;
    }
  }
  return `${text})`;
}

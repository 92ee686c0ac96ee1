/** From numbers in several traces to what they are in terms of the inputs' sizes. */

/** A dynamic dimension, shortened or lengthened by a number. */
interface Term {
  readonly dim: number;
  readonly plus: number;
}

/** `factor` times the product of the terms, and `summand`; a constant has no terms. */
export interface Size {
  readonly factor: number;
  readonly terms: readonly Term[];
  readonly summand: number;
}

/** Dimensions are shortened by slices and lengthened by padding, by a few places. */
const PLUS_AT_MOST = 8;

/**
 * The simplest expression that gives a number in every trace.
 *
 * @param numbers - one a trace
 * @param dims - the dynamic sizes of each trace, which all differ
 * @returns nothing where there is none with at most three sizes
 */
export function sizeOfNumbers(numbers: readonly number[], dims: readonly (readonly number[])[]): Size | undefined {
  const [first] = numbers;
  if (numbers.every((number) => number === first)) return { factor: 0, terms: [], summand: first };
  for (const terms of products(dims[0].length)) {
    const values = dims.map((sizes) => valueOf(terms, sizes));
    // Two traces give the line, the others have to lie on it.
    const other = values.findIndex((value) => value !== values[0]);
    if (other < 0) continue;
    const factor = (numbers[other] - first) / (values[other] - values[0]);
    const summand = first - factor * values[0];
    if (!Number.isInteger(factor) || factor < 1 || !Number.isInteger(summand)) continue;
    if (terms.length > 1 && summand !== 0) continue;
    if (numbers.every((number, i) => number === factor * values[i] + summand)) return { factor, terms, summand };
  }
  return undefined;
}

function valueOf(terms: readonly Term[], sizes: readonly number[]): number {
  return terms.reduce((product, { dim, plus }) => product * (sizes[dim] + plus), 1);
}

/**
 * Products of one, two and three dimensions, then of two of which some are a little longer or
 * shorter.
 */
function* products(count: number): Iterable<readonly Term[]> {
  const plain = (...dims: readonly number[]): Term[] => dims.map((dim) => ({ dim, plus: 0 }));
  for (let a = 0; a < count; a++) yield plain(a);
  for (let a = 0; a < count; a++) for (let b = a; b < count; b++) yield plain(a, b);
  for (let a = 0; a < count; a++) for (let b = a; b < count; b++) for (let c = b; c < count; c++) yield plain(a, b, c);
  for (let a = 0; a < count; a++) {
    for (let b = a; b < count; b++) {
      for (let p = -PLUS_AT_MOST; p <= PLUS_AT_MOST; p++) {
        for (let q = -PLUS_AT_MOST; q <= PLUS_AT_MOST; q++)
          yield [
            { dim: a, plus: p },
            { dim: b, plus: q },
          ];
      }
    }
  }
}

import { checkLengths, type Lengths, type Tensor } from '@rnn/core';
import { checkCount, checkOptions } from '@rnn/core/checks';
import { checkLogProbs } from './ctc-arguments.js';

/** What `ctcGreedyDecode` takes. */
export interface CTCGreedyOptions {
  /** Valid steps of each row; all of them unless given. */
  readonly lengths?: Lengths;
  /** The class that stands for no label; 0 unless said otherwise. */
  readonly blank?: number;
}

/** What `ctcBeamDecode` takes. */
export interface CTCBeamOptions extends CTCGreedyOptions {
  /** How many beginnings are followed at a time; 16 unless said otherwise. */
  readonly beamWidth?: number;
  /** How many results are returned for each row, at most; 1 unless said otherwise. */
  readonly topPaths?: number;
}

/** A sequence of labels and its probability. */
export interface CTCResult {
  readonly labels: readonly number[];
  /** The logarithm of the probability of all paths to these labels that were followed. */
  readonly logProb: number;
}

/**
 * The labels of the most probable path: the best class of each step, with repetitions and then
 * blanks left out.
 *
 * @example
 * ```ts
 * ctcGreedyDecode(model.forward(x).logSoftmax(-1), { lengths });   // [[3, 5, 5], [7], ...]
 * ```
 * @param logProbs - `[T, B, C]`, or `[T, C]` for a single sequence; scores of any kind do, as only
 *   their order counts
 * @param options - `lengths`, `blank` (0)
 * @returns a list of classes for each row
 * @throws ShapeError, ArgumentError when the arguments do not fit
 */
export function ctcGreedyDecode(logProbs: Tensor, options: CTCGreedyOptions = {}): number[][] {
  checkOptions('ctcGreedyDecode', options, ['lengths', 'blank']);
  return rowsOf('ctcGreedyDecode', logProbs, options).map(({ scores, blank }) => {
    const labels: number[] = [];
    let before = blank;
    for (const classes of scores) {
      let best = 0;
      for (let c = 1; c < classes.length; c++) if (classes[c] > classes[best]) best = c;
      if (best !== before && best !== blank) labels.push(best);
      before = best;
    }
    return labels;
  });
}

/**
 * The most probable labels, each with the probability of all paths that lead to them, by prefix
 * beam search.
 *
 * @example
 * ```ts
 * ctcBeamDecode(logProbs, { beamWidth: 32, topPaths: 3 })[0]; // [{ labels: [3, 5, 5], logProb: -1.2 }, ...]
 * ```
 * @param logProbs - `[T, B, C]`, or `[T, C]` for a single sequence: logarithms of probabilities
 * @param options - `lengths`, `blank` (0), `beamWidth` (16), `topPaths` (1)
 * @returns for each row its results, the most probable first
 * @throws ShapeError, ArgumentError when the arguments do not fit
 *
 * With as many beams as there are beginnings the result is exact. Source: Graves 2012; Hannun et
 * al. 2014.
 */
export function ctcBeamDecode(logProbs: Tensor, options: CTCBeamOptions = {}): CTCResult[][] {
  checkOptions('ctcBeamDecode', options, ['lengths', 'blank', 'beamWidth', 'topPaths']);
  const { beamWidth = 16, topPaths = 1 } = options;
  checkCount('ctcBeamDecode', 'beamWidth', beamWidth, 1);
  checkCount('ctcBeamDecode', 'topPaths', topPaths, 1);
  return rowsOf('ctcBeamDecode', logProbs, options).map(({ scores, blank }) => {
    let beams: Beam[] = [{ labels: [], key: '', ending: -Infinity, blank: 0 }];
    for (const classes of scores) beams = bestOf(extended(beams, classes, blank), beamWidth);
    return bestOf(beams, topPaths).map((beam) => ({ labels: beam.labels, logProb: totalOf(beam) }));
  });
}

/**
 * A beginning of a result, with the probabilities of the paths to it that end with its last label
 * and with a blank.
 */
interface Beam {
  readonly labels: readonly number[];
  readonly key: string;
  ending: number;
  blank: number;
}

/** All beginnings one step later. */
function extended(beams: readonly Beam[], classes: ArrayLike<number>, blank: number): Beam[] {
  const next = new Map<string, Beam>();
  const beamOf = (labels: readonly number[], key: string): Beam => {
    let beam = next.get(key);
    if (beam === undefined) next.set(key, (beam = { labels, key, ending: -Infinity, blank: -Infinity }));
    return beam;
  };
  for (const beam of beams) {
    const total = totalOf(beam);
    const last = beam.labels[beam.labels.length - 1];
    const same = beamOf(beam.labels, beam.key);
    same.blank = logAdd(same.blank, total + classes[blank]);
    if (last !== undefined) same.ending = logAdd(same.ending, beam.ending + classes[last]);
    for (let c = 0; c < classes.length; c++) {
      if (c === blank) continue;
      // A label again is a new one only after a blank.
      const from = c === last ? beam.blank : total;
      if (from === -Infinity || classes[c] === -Infinity) continue;
      const longer = beamOf([...beam.labels, c], `${beam.key},${c}`);
      longer.ending = logAdd(longer.ending, from + classes[c]);
    }
  }
  return [...next.values()];
}

function bestOf(beams: readonly Beam[], count: number): Beam[] {
  return [...beams].sort((a, b) => totalOf(b) - totalOf(a) || a.labels.length - b.labels.length).slice(0, count);
}

function totalOf({ ending, blank }: Beam): number {
  return logAdd(ending, blank);
}

function logAdd(a: number, b: number): number {
  const [large, small] = a > b ? [a, b] : [b, a];
  return large === -Infinity ? large : large + Math.log1p(Math.exp(small - large));
}

/** The scores of the valid steps of each row. */
function rowsOf(
  owner: string,
  logProbs: Tensor,
  { lengths, blank = 0 }: CTCGreedyOptions,
): { readonly scores: readonly ArrayLike<number>[]; readonly blank: number }[] {
  checkLogProbs(owner, logProbs);
  const { shape, rank } = logProbs;
  const [steps, rows, classes] = rank === 2 ? [shape[0], 1, shape[1]] : shape;
  checkCount(owner, 'blank', blank, 0, classes - 1);
  const list = lengths === undefined ? undefined : checkLengths(owner, lengths, rows, steps);
  const data = logProbs.dataSync();
  return Array.from({ length: rows }, (_, b) => ({
    blank,
    scores: Array.from({ length: list?.[b] ?? steps }, (__, t) => {
      const start = (t * rows + b) * classes;
      return data.subarray(start, start + classes);
    }),
  }));
}

import { numberIn, parseRows, type Row } from './rows.ts';

/** LPC cepstrum coefficients of each step of an utterance. */
export const coefficients = 12;
export const speakers = 9;

/** Utterances of the vowels /ae/, each with its speaker. */
export interface Utterances {
  /** One after another, each `[steps, 12]`; steps differ. */
  readonly sequences: readonly { readonly data: Float32Array; readonly shape: number[] }[];
  /** Who speaks, counted from 0. */
  readonly speakers: Int32Array;
}

/**
 * Reads `japanese-vowels-train.csv` or `japanese-vowels-test.csv`: a row for each step, speakers
 * counted from 1.
 */
export function parseUtterances(csv: string): Utterances {
  const bySequence = new Map<string, Row[]>();
  for (const row of parseRows(csv)) {
    const group = bySequence.get(row.sequence);
    if (group === undefined) bySequence.set(row.sequence, [row]);
    else group.push(row);
  }
  const groups = [...bySequence.values()];
  return {
    sequences: groups.map(sequenceOf),
    speakers: Int32Array.from(groups, ([first]) => numberIn(first, 'speaker') - 1),
  };
}

function sequenceOf(rows: readonly Row[]): { data: Float32Array; shape: number[] } {
  const data = new Float32Array(rows.length * coefficients);
  for (const [step, row] of rows.entries()) {
    for (let c = 0; c < coefficients; c++) data[step * coefficients + c] = numberIn(row, `c${c}`);
  }
  return { data, shape: [rows.length, coefficients] };
}

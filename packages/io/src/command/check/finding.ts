/** What a check finds, whoever looks. */

/** Who meets the file: programs that read it, or a promise that the file makes about itself. */
export type Party = 'PyTorch' | 'ONNX' | 'ONNX Runtime' | '@rnn' | 'state' | 'self-test';

/**
 * What becomes of the thing: it is kept; something is otherwise than one may think; it is refused;
 * or the file contradicts itself, so that whoever uses it gets wrong numbers.
 */
export type Verdict = 'keep' | 'change' | 'refuse' | 'wrong';

export interface Finding {
  readonly verdict: Verdict;
  readonly by: Party;
  /** A tensor, a layer, a node, an input; nothing for the whole file. */
  readonly where?: string;
  /** What, and why. */
  readonly what: string;
}

/** What was found in a file. */
export interface Report {
  readonly file: string;
  /** Kind and size, in a line. */
  readonly summary: string;
  readonly findings: readonly Finding[];
  /** Whose refusals count: those who read files of this kind. */
  readonly readers: readonly Party[];
}

/** Collects findings. */
export class Findings {
  readonly list: Finding[] = [];

  keep(by: Party, where: string | undefined, what: string): void {
    this.#add('keep', by, where, what);
  }

  change(by: Party, where: string | undefined, what: string): void {
    this.#add('change', by, where, what);
  }

  refuse(by: Party, where: string | undefined, what: string): void {
    this.#add('refuse', by, where, what);
  }

  wrong(by: Party, where: string | undefined, what: string): void {
    this.#add('wrong', by, where, what);
  }

  #add(verdict: Verdict, by: Party, where: string | undefined, what: string): void {
    this.list.push(where === undefined ? { verdict, by, what } : { verdict, by, where, what });
  }
}

/** Whether a report lets a file pass. */
export function passes({ findings, readers }: Report, isStrict: boolean): boolean {
  return findings.every(
    ({ verdict, by }) =>
      verdict === 'keep' ||
      (verdict === 'change' && !(isStrict && readers.includes(by))) ||
      (verdict === 'refuse' && !readers.includes(by)),
  );
}

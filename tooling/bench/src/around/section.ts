/** A table of --around. A row is measured when it is its turn, and printed then. */
export interface Section {
  readonly title: string;
  /** What the columns hold: the name of a row first. */
  readonly header: readonly string[];
  readonly rows: readonly Row[];
}

export interface Row {
  readonly name: string;
  /** The cells after the name. */
  readonly cells: () => readonly string[] | Promise<readonly string[]>;
}

/** The widest line. */
const WIDTH = 80;

/** Columns of a section whose cells come one row after another, the first one to the left. */
export class Columns {
  private readonly first: number;
  private readonly others: readonly number[];

  constructor({ header: [, ...names], rows }: Section) {
    // A name stands in a line of its own where it leaves no room for the cells.
    this.others = names.map((name) => Math.max(name.length, 8));
    const room = WIDTH - this.others.reduce((sum, width) => sum + width + 2, 0);
    this.first = Math.min(room, Math.max(...rows.map(({ name }) => name.length)));
  }

  /** A name, and what keeps it apart from the cells that follow. */
  name(text: string): string {
    return text.length > this.first ? `${text}\n${' '.repeat(this.first)}` : text.padEnd(this.first);
  }

  cells(texts: readonly string[]): string {
    return texts.map((text, i) => `  ${text.padStart(this.others[i])}`).join('');
  }
}

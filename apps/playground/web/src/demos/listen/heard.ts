import { cells, detectorRate, frameLength, type HeardFrame } from './detector.ts';

/** Frames that are kept to be seen: 8 s. */
export const shownFrames = 250;
/** Seconds of a frame. */
export const frameSeconds = frameLength / detectorRate;
/** From here on it is called speech. */
const threshold = 0.5;

/** A stretch of speech, in seconds since the beginning. */
export interface Speech {
  readonly from: number;
  readonly to: number;
}

/** What was heard: all stretches of speech, and the last frames with their cells. */
export class Heard {
  /** Frames since the beginning. */
  count = 0;
  probability = 0;
  readonly speech: Speech[] = [];
  private readonly probabilities = new Float32Array(shownFrames);
  private readonly states = { h: new Float32Array(shownFrames * cells), c: new Float32Array(shownFrames * cells) };

  add({ probability, h, c }: HeardFrame): void {
    const at = this.count % shownFrames;
    this.probabilities[at] = probability;
    this.states.h.set(h, at * cells);
    this.states.c.set(c, at * cells);
    const [from, to] = [this.count * frameSeconds, (this.count + 1) * frameSeconds];
    this.count++;
    this.probability = probability;
    if (probability <= threshold) return;
    const last = this.speech.at(-1);
    if (last !== undefined && Math.abs(last.to - from) < 1e-9) this.speech[this.speech.length - 1] = { ...last, to };
    else this.speech.push({ from, to });
  }

  /** Seconds of speech since the beginning. */
  get spoken(): number {
    return this.speech.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  /** The probability of a frame by its place from the left; undefined where none was heard yet. */
  probabilityAt(column: number): number | undefined {
    const frame = this.frameAt(column);
    return frame === undefined ? undefined : this.probabilities[frame % shownFrames];
  }

  /** The number of a frame by its place from the left. */
  frameAt(column: number): number | undefined {
    const frame = Math.max(0, this.count - shownFrames) + column;
    return frame < this.count ? frame : undefined;
  }

  /** The state of a cell in a frame, by its place from the left. */
  stateAt(kind: 'h' | 'c', cell: number, column: number): number | undefined {
    const frame = this.frameAt(column);
    return frame === undefined ? undefined : this.states[kind][(frame % shownFrames) * cells + cell];
  }
}

import type { LayerName } from './classifier.ts';

/** The data of the demo: its files' texts, since the page has them. */
export interface SpeakersSettings {
  /** `japanese-vowels-train.csv` */
  readonly training: string;
  /** `japanese-vowels-test.csv` */
  readonly test: string;
  readonly layer: LayerName;
  readonly hidden: number;
}

/** How well speakers are told apart now. */
export interface SpeakersView {
  readonly parameters: number;
  readonly trainingUtterances: number;
  /** Test utterances by speaker and by the speaker that was heard, `[9][9]`. */
  readonly confusion: readonly (readonly number[])[];
  /** The part of all test utterances that is given to the right speaker, from 0 to 1. */
  readonly accuracy: number;
  /** Each test utterance: who speaks, who was heard, counted from 0, and how many steps it has. */
  readonly utterances: readonly { readonly speaker: number; readonly heard: number; readonly steps: number }[];
}

/** What happens inside while an utterance is heard. */
export interface Hearing {
  readonly steps: number;
  readonly speaker: number;
  /** What is heard, `[steps, 12]`. */
  readonly input: Float32Array;
  /** The state after each step, `[steps, hidden]`. */
  readonly states: Float32Array;
  readonly hidden: number;
  /** How probable each speaker seems after each step, `[steps, 9]`. */
  readonly beliefs: Float32Array;
}

import type { Gaussian } from './mixture.ts';
import type { PenStep, Stroke } from './strokes.ts';

/** What a drawing is learnt from. */
export interface DrawSettings {
  readonly strokes: readonly Stroke[];
  readonly hidden: number;
  /** How much is left to chance: 1 is what was learnt, near 0 the likeliest. */
  readonly temperature: number;
}

/** How the drawing goes on. */
export interface DrawView {
  readonly parameters: number;
  /** Steps that the drawing has. */
  readonly steps: number;
  /** Continuations, each drawn from the mixtures by itself. */
  readonly continuations: readonly (readonly PenStep[])[];
  /** The Gaussians of the next step, in units of the pen's step. */
  readonly next: readonly Gaussian[];
}

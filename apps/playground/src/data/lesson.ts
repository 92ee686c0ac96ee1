/** What went into the lesson's cell and what came out of it with PyTorch (`data/lesson.py`). */
export interface Lesson {
  readonly W_h: readonly number[][];
  readonly W_x: readonly number[][];
  readonly b: readonly number[];
  readonly x: readonly number[][];
  /** The five states. */
  readonly h: readonly number[][];
  /** The five lines that PyTorch prints. */
  readonly printed: readonly string[];
  /** The last state squared, summed. */
  readonly loss_value: number;
  /** Derivatives of that loss. */
  readonly grad: {
    readonly W_h: readonly number[][];
    readonly W_x: readonly number[][];
    readonly b: readonly number[];
  };
}

/** Reads `lesson.json`. */
export function parseLesson(json: string): Lesson {
  return JSON.parse(json) as Lesson;
}

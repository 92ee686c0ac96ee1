import { checkLengths, type Lengths } from '@rnn/core';
import { checkChoice } from '@rnn/core/checks';
import { checkMarks, endsOfPieces, nestedMarks, type StepGrid, type StepMarks } from './step-marks.js';
import { StepSelection } from './step-selection.js';

/** What says which steps of a batch a recurrence takes, and where it starts afresh. */
export interface RowOptions {
  /**
   * Valid steps of each row, from 0 to T. Padding enters neither states nor gradients; outputs past
   * the end are zero.
   */
  readonly lengths?: Lengths;
  /**
   * `[T, B]` (`[B, T]` if batch first, `[T]` for a single sequence): where 0, the step is passed
   * over. The state stays, the output is zero, and the input counts for nothing, not even a NaN in
   * it. Beside `lengths`, a step counts if both say so.
   */
  readonly mask?: StepMarks;
  /**
   * `[T, B]` (`[B, T]` if batch first, `[T]` for a single sequence): where not 0, a new piece
   * begins with that step, and the row's state is the first one again (see `resetTo`). At a step
   * that is masked, the mark holds for the next one that is not.
   */
  readonly resets?: StepMarks;
  /**
   * The state at a reset: `'given'`, unless said otherwise, is the one that `forward` got;
   * `'initial'` is what stands before the first step where none is given (zeros, or what was
   * learned). Where the state is carried over from an earlier piece, a new sequence begins from
   * `'initial'`.
   */
  readonly resetTo?: ResetTo;
}

/** Which state a row has again at a reset. */
type ResetTo = 'given' | 'initial';

/** The names of `RowOptions`, for `checkOptions`. */
export const rowOptions: readonly string[] = ['lengths', 'mask', 'resets', 'resetTo'] satisfies (keyof RowOptions)[];

/** The same after a check, as `scan` takes it. */
export interface CheckedRows {
  readonly lengths: readonly number[] | undefined;
  /** Where a mask leaves steps out: the sequence that remains, whose rows have `lengths` steps. */
  readonly selection: StepSelection | undefined;
  /** Of the sequence that remains, for each direction in which it is walked. */
  readonly resets: { readonly forward: number[][]; readonly reverse: number[][] } | undefined;
  /** Whether a row begins from the initial state at a reset, whatever state was given. */
  readonly resetsToInitial: boolean;
}

/**
 * Checks lengths, mask and resets, and brings them into one form.
 *
 * @param owner - for messages
 * @param options - as the caller gave them
 * @param grid - what they are to fit
 * @param resetsAre - for a walk from the end: `'pieces'` where a mark is at the first step of a
 *   piece, so that the walk starts afresh before the last step of the piece before; `'steps'` where
 *   it starts afresh before the marked step itself
 */
export function checkRows(
  owner: string,
  { lengths, mask, resets, resetTo = 'given' }: RowOptions,
  grid: StepGrid,
  resetsAre: 'pieces' | 'steps' = 'pieces',
): CheckedRows {
  checkChoice(owner, 'resetTo', resetTo, ['given', 'initial']);
  const rows = grid.batch ?? 1;
  const valid = lengths === undefined ? undefined : checkLengths(owner, lengths, rows, grid.steps);
  const marks = resets === undefined ? undefined : checkMarks(owner, 'resets', resets, grid);
  const selection = mask === undefined ? undefined : selected(checkMarks(owner, 'mask', mask, grid), valid, rows);
  const placed = (given: Uint8Array, reverse: boolean): number[][] => {
    const isByStep = reverse && resetsAre === 'steps';
    const left = selection === undefined ? given : selection.resets(given, isByStep);
    return nestedMarks(reverse && !isByStep ? endsOfPieces(left, rows) : left, rows);
  };
  return {
    lengths: selection?.lengths ?? valid,
    selection,
    resetsToInitial: marks !== undefined && resetTo === 'initial',
    // Put together for the directions that there are.
    resets: marks && {
      get forward() {
        return placed(marks, false);
      },
      get reverse() {
        return placed(marks, true);
      },
    },
  };
}

/** What a mask and lengths leave. */
function selected(mask: Uint8Array, lengths: readonly number[] | undefined, rows: number): StepSelection {
  if (lengths !== undefined) {
    for (let i = 0; i < mask.length; i++) if (Math.floor(i / rows) >= lengths[i % rows]) mask[i] = 0;
  }
  return new StepSelection(mask, rows);
}

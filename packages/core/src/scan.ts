import { ArgumentError, ShapeError } from './errors.js';
import { stack, unbind } from './ops/join.js';
import { where } from './ops/elementwise.js';
import { fromData } from './ops/create.js';
import { reshape } from './ops/broadcast.js';
import { zerosLike } from './ops/fill.js';
import { checkTensor } from './ops/operands.js';
import { scope } from './scope.js';
import { sameShape, showShape } from './shape.js';
import { Tensor } from './tensor.js';

/** One tensor, or a fixed list of them. */
export type Tensors = Tensor | readonly Tensor[];

/** One step of a recurrence: from an input and the state before to an output and the state after. */
export type Step<X extends Tensors, S extends Tensors, Y extends Tensors> = (x: X, state: S) => readonly [y: Y, state: S];

/** How many steps each row of the batch has. */
export type Lengths = readonly number[] | Int32Array | Tensor;

export interface ScanOptions {
  /**
   * Valid steps of each row of the batch, from 0 to T. Beyond them the state stays, outputs are zero, and the input counts for nothing,
   * not even a NaN in it.
   */
  readonly lengths?: Lengths;
  /** Walk from each row's last valid step to its first. Outputs keep their places. */
  readonly reverse?: boolean;
  /** [T, B]: where not 0, the row's state is the initial one again before that step. */
  readonly resets?: Tensor | readonly (readonly number[])[];
}

/**
 * Runs a step over the time of a sequence: the loop of every recurrent layer.
 *
 * @example
 * ```ts
 * const step = (x: Tensor, h: Tensor) => { const next = tanh(linear(x, Wx, b).add(linear(h, Wh))); return [next, next] as const; };
 * const [ys, last] = scan(step, xs, zeros([B, H]), { lengths: [5, 3] });
 * ```
 * @param step - an ordinary function of tensors. It sees the input of one time step, `[B, ...]`
 * @param xs - `[T, B, ...]`, or a list of such; without `lengths` and `resets` also `[T, ...]`
 * @param state - the state before the first step: a tensor or a list, each `[B, ...]`
 * @param options - `lengths`, `reverse`, `resets`
 * @returns the outputs stacked over time, `[T, ...]`, and the state after each row's last valid step
 * @throws ShapeError, ArgumentError when sequences, lengths or states do not fit together, or a step changes the state's shape
 */
export function scan<X extends Tensors, S extends Tensors, Y extends Tensors>(
  step: Step<X, S, Y>,
  xs: X,
  state: S,
  options: ScanOptions = {},
): [ys: Y, last: S] {
  const sequences = listOf(xs);
  const initial = listOf(state);
  const extent = checkScan(sequences, initial, options);
  return scope(() => runEagerly(step, xs, state, extent, options.reverse === true));
}

/** What the checks found out about a scan. */
interface Extent {
  readonly steps: number;
  readonly lengths: readonly number[] | undefined;
  /** [T, B], 1 where a row starts afresh. */
  readonly resets: Tensor | undefined;
}

/** The tensors of a `Tensors`. */
export function listOf(tensors: Tensors): readonly Tensor[] {
  return tensors instanceof Tensor ? [tensors] : tensors;
}

/** Tensors in the form (one or a list) of another `Tensors`. */
export function formedAs<Form extends Tensors>(form: Form, list: readonly Tensor[]): Form {
  return (form instanceof Tensor ? list[0] : list) as Form;
}

function checkScan(sequences: readonly Tensor[], initial: readonly Tensor[], { lengths, resets }: ScanOptions): Extent {
  sequences.forEach((x, i) => checkTensor('scan', `xs[${i}]`, x));
  initial.forEach((s, i) => checkTensor('scan', `state[${i}]`, s));
  if (sequences.length === 0) throw new ArgumentError('scan: xs is empty, expected at least one sequence', { argument: 'xs' });
  const [steps, batch] = sequences[0].shape;
  for (const x of sequences) {
    if (x.rank === 0 || x.shape[0] !== steps) {
      throw new ShapeError(`scan: sequences of shape ${sequences.map((s) => showShape(s.shape)).join(' and ')}, expected the same number of steps in front`, { argument: 'xs' });
    }
  }
  if (steps === 0) throw new ArgumentError('scan: the sequence has no step, expected at least one', { argument: 'xs' });
  if (lengths === undefined && resets === undefined) return { steps, lengths: undefined, resets: undefined };
  for (const x of sequences) checkRows(x, 1, batch, 'xs', '[T, B, ...]');
  for (const s of initial) checkRows(s, 0, batch, 'state', '[B, ...]');
  return {
    steps,
    lengths: lengths === undefined ? undefined : checkLengths('scan', lengths, batch, steps),
    resets: resets === undefined ? undefined : checkResets(resets, steps, batch, sequences[0]),
  };
}

function checkRows(x: Tensor, dim: number, batch: number | undefined, argument: string, form: string): void {
  if (batch === undefined || x.shape[dim] !== batch) {
    throw new ShapeError(`scan: ${argument} has shape ${showShape(x.shape)}, but lengths and resets need ${form} with one batch size${batch === undefined ? '' : ` (${batch})`}`, { argument });
  }
}

function checkResets(resets: NonNullable<ScanOptions['resets']>, steps: number, batch: number, like: Tensor): Tensor {
  const flat = resets instanceof Tensor ? resets : fromData(resets.flat(), [resets.length, resets[0]?.length ?? 0], { backend: like.backend });
  if (!sameShape(flat.shape, [steps, batch])) {
    throw new ShapeError(`scan: resets has shape ${showShape(flat.shape)}, expected [${steps}, ${batch}]`, { argument: 'resets' });
  }
  return flat;
}

/**
 * The lengths of a batch as numbers, after a check.
 *
 * @param operation - for the message
 * @param lengths - one for each row
 * @param batch - number of rows
 * @param steps - the longest that is possible
 * @returns whole numbers from 0 to `steps`
 */
export function checkLengths(operation: string, lengths: Lengths, batch: number, steps: number): number[] {
  const list = Array.from(lengths instanceof Tensor ? lengths.dataSync() : lengths);
  if (list.length !== batch) {
    throw new ShapeError(`${operation}: ${list.length} lengths for a batch of ${batch}, expected one a row`, {
      argument: 'lengths',
      expected: `${batch}`,
      received: `${list.length}`,
    });
  }
  list.forEach((length, row) => {
    if (!Number.isInteger(length) || length < 0 || length > steps) {
      throw new ArgumentError(`${operation}: lengths[${row}] is ${String(length)}, expected a whole number from 0 to ${steps}`, {
        argument: 'lengths',
        expected: `0 to ${steps}`,
        received: String(length),
      });
    }
  });
  return list;
}

/** The loop by single operations: what any backend and any step can do. */
function runEagerly<X extends Tensors, S extends Tensors, Y extends Tensors>(
  step: Step<X, S, Y>,
  xs: X,
  state: S,
  { steps, lengths, resets }: Extent,
  reverse: boolean,
): [Y, S] {
  const { backend } = listOf(xs)[0];
  const shortest = lengths === undefined ? steps : Math.min(...lengths);
  const longest = lengths === undefined ? steps : Math.max(...lengths);
  // One mask a step, 1 for rows that are still going; only steps in which rows differ need it.
  const masks = lengths && unbind(fromData(lengths.flatMap((length) => Array.from({ length: steps }, (_, t) => (t < length ? 1 : 0))), [lengths.length, steps], { backend }), 1);
  const maskAt = (t: number): Tensor | undefined => (t < shortest ? undefined : masks?.[t]);
  const inputs = listOf(xs).map((x) => unbind(x, 0));
  const resetAt = resets && unbind(resets, 0);

  const initial = listOf(state);
  let current: readonly Tensor[] = initial;
  const outputs: (readonly Tensor[])[] = [];
  let form: Y | undefined;
  for (let n = 0; n < longest; n++) {
    const t = reverse ? longest - 1 - n : n;
    const mask = maskAt(t);
    const before = current;
    const [y, next] = scope(() => {
      const start = resetAt === undefined ? before : before.map((s, i) => chosen(resetAt[t], initial[i], s));
      // A masked input keeps a NaN in the padding out of the derivatives too.
      const x = inputs.map((sequence) => (mask === undefined ? sequence[t] : chosen(mask, sequence[t], 0)));
      const [y, after] = step(formedAs(xs, x), formedAs(state, start));
      form ??= y;
      const states = listOf(after);
      checkStates(initial, states);
      if (mask === undefined) return [listOf(y), states] as const;
      return [listOf(y).map((v) => chosen(mask, v, 0)), states.map((s, i) => chosen(mask, s, before[i]))] as const;
    });
    outputs[t] = y;
    current = next;
  }
  if (form === undefined) throw new ArgumentError('scan: all lengths are 0, expected at least one row with a step', { argument: 'lengths' });
  const stacked = outputs[0].map((first, i) => stack(Array.from({ length: steps }, (_, t) => outputs[t]?.[i] ?? zerosLike(first))));
  return [formedAs(form, stacked), formedAs(state, current.map((s, i) => (s === initial[i] ? reshape(s, s.shape) : s)))];
}

/** `a` for the rows whose mark is not 0, else `b`. */
function chosen(marks: Tensor, a: Tensor, b: Tensor | number): Tensor {
  return where(reshape(marks, [marks.size, ...Array.from({ length: a.rank - 1 }, () => 1)]), a, b);
}

function checkStates(before: readonly Tensor[], after: readonly Tensor[]): void {
  const fits = after.length === before.length && after.every((s, i) => s instanceof Tensor && sameShape(s.shape, before[i].shape));
  if (fits) return;
  throw new ShapeError(
    `scan: the step made a state of shape ${after.map((s) => showShape(s.shape)).join(', ')} out of ${before.map((s) => showShape(s.shape)).join(', ')}, expected the same`,
    { argument: 'step' },
  );
}

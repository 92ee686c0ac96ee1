import { ShapeError } from '../errors.js';
import { reshape } from '../ops/broadcast.js';
import { fromData } from '../ops/create.js';
import { where } from '../ops/comparison.js';
import { zerosLike } from '../ops/fill.js';
import { stack, unbind } from '../ops/join.js';
import { scope } from '../scope.js';
import { sameShape, showShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { validSteps, type ScanExtent } from './scan-arguments.js';

/** What a step makes. */
interface StepResult {
  readonly outputs: readonly Tensor[];
  readonly next: readonly Tensor[];
  /** Whether the output came by itself, not in a list. */
  readonly isSingle: boolean;
}

/** A step on lists of tensors. */
export type ListStep = (inputs: readonly Tensor[], states: readonly Tensor[]) => StepResult;

/** A scan with its arguments in one form. */
export interface Scan {
  readonly step: ListStep;
  /** The user's function, by which its traces are remembered. */
  readonly source: object;
  readonly inputs: readonly Tensor[];
  readonly states: readonly Tensor[];
  /** The tensors among the parameters; `undefined` where none were given, so that the step may use any. */
  readonly parameters: readonly Tensor[] | undefined;
  readonly extent: ScanExtent;
  readonly reverse: boolean;
}

/** The loop by single operations: what any backend and any step can do. */
export function runEagerly({ step, inputs, states: initial, extent, reverse }: Omit<Scan, 'source' | 'parameters'>): {
  readonly outputs: readonly Tensor[];
  readonly last: readonly Tensor[];
  readonly isSingle: boolean;
} {
  const { steps, lengths, resets } = extent;
  const { backend } = inputs[0];
  const shortest = lengths === undefined ? steps : Math.min(...lengths);
  const longest = lengths === undefined ? steps : Math.max(...lengths);
  // One mask a step, 1 for rows that are still going; only steps in which rows differ need it.
  const masks = lengths && unbind(fromData(validSteps(lengths, steps), [steps, lengths.length], { backend }));
  const maskAt = (t: number): Tensor | undefined => (t < shortest ? undefined : masks?.[t]);
  const sequences = inputs.map((x) => unbind(x, 0));
  const rows = lengths?.length ?? sequences[0][0].shape[0];
  const resetAt = (t: number): Tensor | undefined =>
    resets?.subarray(t * rows, (t + 1) * rows).some((mark) => mark !== 0)
      ? fromData(Array.from(resets.subarray(t * rows, (t + 1) * rows)), [rows], { backend })
      : undefined;

  let current: readonly Tensor[] = initial;
  const outputs: (readonly Tensor[])[] = [];
  let isSingle = false;
  // Where no row has a step, one is made all the same, on zeros and without effect: it tells the shapes of the outputs.
  const count = Math.max(longest, 1);
  for (let n = 0; n < count; n++) {
    const t = reverse ? count - 1 - n : n;
    const mask = maskAt(t);
    const before = current;
    const [y, next] = scope(() => {
      const reset = resetAt(t);
      const start = reset === undefined ? before : before.map((s, i) => chosen(reset, initial[i], s));
      // A masked input keeps a NaN in the padding out of the derivatives too.
      const x = sequences.map((sequence) => (mask === undefined ? sequence[t] : chosen(mask, sequence[t], 0)));
      const result = step(x, start);
      isSingle = result.isSingle;
      checkStates(initial, result.next);
      if (mask === undefined) return [result.outputs, result.next] as const;
      return [
        result.outputs.map((v) => chosen(mask, v, 0)),
        result.next.map((s, i) => chosen(mask, s, before[i])),
      ] as const;
    });
    outputs[t] = y;
    current = next;
  }
  const stacked = outputs[0].map((first, i) =>
    stack(Array.from({ length: steps }, (_, t) => outputs[t]?.[i] ?? zerosLike(first))),
  );
  return { outputs: stacked, last: current.map((s, i) => (s === initial[i] ? reshape(s, s.shape) : s)), isSingle };
}

/** `a` for the rows whose mark is not 0, else `b`. */
function chosen(marks: Tensor, a: Tensor, b: Tensor | number): Tensor {
  return where(reshape(marks, [marks.size, ...Array.from({ length: a.rank - 1 }, () => 1)]), a, b);
}

/** Refuses states of other shapes than before. */
export function checkStates(before: readonly Tensor[], after: readonly Tensor[]): void {
  const fits =
    after.length === before.length && after.every((s, i) => s instanceof Tensor && sameShape(s.shape, before[i].shape));
  if (fits) return;
  throw new ShapeError(
    `scan: the step made a state of shape ${after.map((s) => showShape(s.shape)).join(', ')} out of ${before.map((s) => showShape(s.shape)).join(', ')}, expected the same`,
    { argument: 'step' },
  );
}

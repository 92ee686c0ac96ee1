import { ShapeError } from '../errors.js';
import { noGrad } from '../grad-mode.js';
import { reshape } from '../ops/broadcast.js';
import { fromData } from '../ops/create.js';
import { where } from '../ops/elementwise.js';
import { zerosLike } from '../ops/fill.js';
import { stack, unbind } from '../ops/join.js';
import { scope } from '../scope.js';
import { sameShape, showShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { formedAs, listOf, type ScanExtent, type Step, type Tensors } from './scan-arguments.js';

/** The loop by single operations: what any backend and any step can do. */
export function runEagerly<X extends Tensors, S extends Tensors, Y extends Tensors>(
  step: Step<X, S, Y>,
  xs: X,
  state: S,
  { steps, lengths, resets }: ScanExtent,
  reverse: boolean,
): [Y, S] {
  const { backend } = listOf(xs)[0];
  const shortest = lengths === undefined ? steps : Math.min(...lengths);
  const longest = lengths === undefined ? steps : Math.max(...lengths);
  // One mask a step, 1 for rows that are still going; only steps in which rows differ need it.
  const masks = lengths && unbind(fromData(lengths.flatMap((length) => Array.from({ length: steps }, (_, t) => (t < length ? 1 : 0))), [lengths.length, steps], { backend }), 1);
  const maskAt = (t: number): Tensor | undefined => (t < shortest ? undefined : masks?.[t]);
  const inputs = listOf(xs).map((x) => unbind(x, 0));
  const rows = lengths?.length ?? inputs[0][0].shape[0];
  const resetAt = (t: number): Tensor | undefined =>
    resets?.subarray(t * rows, (t + 1) * rows).some((mark) => mark !== 0)
      ? fromData(Array.from(resets.subarray(t * rows, (t + 1) * rows)), [rows], { backend })
      : undefined;

  const initial = listOf(state);
  let current: readonly Tensor[] = initial;
  const outputs: (readonly Tensor[])[] = [];
  let form: Y | undefined;
  for (let n = 0; n < longest; n++) {
    const t = reverse ? longest - 1 - n : n;
    const mask = maskAt(t);
    const before = current;
    const [y, next] = scope(() => {
      const reset = resetAt(t);
      const start = reset === undefined ? before : before.map((s, i) => chosen(reset, initial[i], s));
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
  // With no step at all, one on zeros tells what the outputs would have been.
  form ??= noGrad(() => step(formedAs(xs, inputs.map(([x]) => zerosLike(x))), formedAs(state, initial.map(zerosLike)))[0]);
  const stacked = listOf(form).map((first, i) => stack(Array.from({ length: steps }, (_, t) => outputs[t]?.[i] ?? zerosLike(first))));
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

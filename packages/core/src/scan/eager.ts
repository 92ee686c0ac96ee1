import { refuse } from '../checks/refusal.js';
import type { CompileMode } from '../compile-mode.js';
import { ShapeError } from '../errors.js';
import type { GradNode } from '../grad-node.js';
import { reshape } from '../ops/broadcast.js';
import { fromData } from '../ops/create.js';
import { where } from '../ops/comparison.js';
import { withSampler } from '../ops/draw.js';
import { zerosLike } from '../ops/fill.js';
import { detach } from '../ops/identity.js';
import { stack, unbind } from '../ops/join.js';
import { narrow } from '../ops/slice.js';
import { recordAll, restored } from '../record.js';
import { scope } from '../scope.js';
import { sameShape, showShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { TreeForm } from '../tree.js';
import { StepDrawer } from './random.js';
import { validSteps, type ScanExtent } from './arguments.js';

/** What a step makes. */
interface StepResult {
  readonly outputs: readonly Tensor[];
  readonly next: readonly Tensor[];
  /** What the outputs came in: a tensor, a list, an object. */
  readonly form: TreeForm;
}

/** A step on lists of tensors. */
export type ListStep = (inputs: readonly Tensor[], states: readonly Tensor[]) => StepResult;

/** What a scan makes, in lists. */
export interface ScanResults {
  readonly outputs: readonly Tensor[];
  readonly last: readonly Tensor[];
  /** Of the outputs. */
  readonly form: TreeForm;
}

/**
 * A scan with its arguments in one form. The call of a row-wise function is one of a single step,
 * whose tensors have no time in front.
 */
export interface Scan {
  /** What messages and the autograd graph call it. */
  readonly name: string;
  /** What is known of a row-wise function; nothing for a loop over time. */
  readonly rowwise: { readonly elementwise: boolean; readonly anyRows: boolean; readonly mean: boolean } | undefined;
  readonly step: ListStep;
  /** The user's function, by which its traces are remembered. */
  readonly source: object;
  /** Names of inner values that come as outputs behind the step's own. */
  readonly record: readonly string[];
  readonly inputs: readonly Tensor[];
  readonly states: readonly Tensor[];
  /** What the inputs and the states come in. */
  readonly inputForm: TreeForm;
  readonly stateForm: TreeForm;
  /**
   * What the step gets besides; `undefined` where nothing was given, so that it may use anything.
   */
  readonly parameters: object | undefined;
  /**
   * Whether it has to be compiled, may be, or must not be; as `setCompileMode` says unless given.
   */
  readonly compile: CompileMode | undefined;
  readonly extent: ScanExtent;
  readonly reverse: boolean;
}

/** The loop by single operations: what any backend and any step can do. */
export function runEagerly({
  step,
  inputs,
  states: initial,
  extent,
  reverse,
}: Pick<Scan, 'step' | 'inputs' | 'states' | 'extent' | 'reverse'>): ScanResults {
  const { steps, lengths, resets } = extent;
  const { backend } = inputs[0];
  const shortest = lengths === undefined ? steps : lengths.reduce((a, b) => Math.min(a, b), steps);
  const longest = lengths === undefined ? steps : lengths.reduce((a, b) => Math.max(a, b), 0);
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
  let form: TreeForm = TreeForm.tensor;
  const drawer = new StepDrawer();
  const makeStep = (n: number): void => {
    const t = reverse ? steps - 1 - n : n;
    const mask = maskAt(t);
    const before = current;
    const [y, next] = scope(() => {
      const reset = resetAt(t);
      const start = reset === undefined ? before : before.map((s, i) => chosen(reset, initial[i], s));
      const x = sequences.map((sequence) => sequence[t]);
      // A row that has ended makes the step of one that has not, without effect: whatever the
      // step's functions have poles at, or make of padding, a valid step is as good as any other,
      // so that its derivative times zero is zero.
      const going = mask && longest > 0 ? lengths?.findIndex((length) => t < length) : undefined;
      const valid = (value: Tensor): Tensor =>
        mask === undefined || going === undefined ? value : chosen(mask, value, narrow(detach(value), 0, going, 1));
      drawer.startStep();
      const result = withSampler(drawer.draw, () => step(x.map(valid), start.map(valid)));
      ({ form } = result);
      checkStates(initial, result.next);
      if (mask === undefined) return [result.outputs, result.next] as const;
      checkRows(result.outputs, rows);
      if (longest === 0) return [result.outputs.map(withoutEffect), before] as const;
      return [
        result.outputs.map((v) => chosen(mask, v, 0)),
        result.next.map((s, i) => chosen(mask, s, before[i])),
      ] as const;
    });
    outputs[t] = y;
    current = next;
  };
  try {
    for (let n = 0; n < steps; n++) makeStep(n);
  } finally {
    drawer.release();
  }
  const stacked = outputs[0].map((_, i) => stack(outputs.map((ys) => ys[i])));
  return { outputs: stacked, last: current.map((s, i) => (s === initial[i] ? reshape(s, s.shape) : s)), form };
}

/**
 * Zeros in the place of a step's output where no row has a step: one was made all the same, since
 * it tells the shapes of the outputs. Nothing is derived; what the output would depend on has a
 * gradient of zeros.
 */
function withoutEffect(output: Tensor): Tensor {
  const result = zerosLike(output);
  const leaves = leavesOf(output);
  if (leaves.length > 0)
    recordAll([result], 'scan', leaves, leaves, (_, saved, wanted) =>
      restored(saved).map((leaf, i) => (wanted[i] ? zerosLike(leaf) : undefined)),
    );
  return result;
}

/** The leaves that a tensor's gradient would go to. */
function leavesOf({ gradEdge }: Tensor): Tensor[] {
  const seen = new Set<GradNode<Tensor>>();
  const stack = gradEdge === undefined ? [] : [gradEdge.node];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    for (const edge of node.inputs) if (edge !== undefined) stack.push(edge.node);
  }
  return [...seen].flatMap(({ leaf }) => leaf ?? []);
}

/** `a` for the rows whose mark is not 0, else `b`. */
function chosen(marks: Tensor, a: Tensor, b: Tensor | number): Tensor {
  return where(reshape(marks, [marks.size, ...Array.from({ length: a.rank - 1 }, () => 1)]), a, b);
}

/** Refuses outputs, recorded values among them, that do not have the rows that lengths speak of. */
function checkRows(outputs: readonly Tensor[], rows: number): void {
  for (const { shape } of outputs) {
    if (shape[0] === rows) continue;
    refuse(ShapeError, 'scan', 'step', {
      part: 'an output (or a value to record)',
      has: 'shape',
      received: showShape(shape),
      expected: `[${rows}, ...], as lengths speak of rows`,
    });
  }
}

/** Refuses states of other shapes than before. */
export function checkStates(before: readonly Tensor[], after: readonly Tensor[]): void {
  const fits =
    after.length === before.length && after.every((s, i) => s instanceof Tensor && sameShape(s.shape, before[i].shape));
  if (fits) return;
  refuse(ShapeError, 'scan', 'step', {
    part: 'the state',
    has: 'shape',
    received: after.map((s) => showShape(s.shape)).join(', '),
    expected: `${before.map((s) => showShape(s.shape)).join(', ')}, as before the step`,
  });
}

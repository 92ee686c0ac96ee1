import { refuse } from '../checks/refusal.js';
import { checkTensor } from '../checks/tensors.js';
import { ArgumentError } from '../errors.js';
import { track } from '../scope.js';
import type { Tensor } from '../tensor.js';

/** Values by the names that a step gave them. */
export type Records<Name extends string = string> = Readonly<Record<Name, Tensor>>;

/** What gathers the named values of the step that is running; nothing where none are wanted. */
let recorder: TapRecorder | undefined;

/**
 * Names an inner value of a step, so that `scan(..., { record: [name] })` can return it for every
 * time step. It costs nothing where nobody asks for it.
 *
 * @example
 * ```ts
 * const step = (x: Tensor, h: Tensor) => {
 *   const gate = tap('gate', sigmoid(linear(x, Wg)));
 *   const next = h.add(gate.mul(x.sub(h)));
 *   return [next, next] as const;
 * };
 * const [ys, last, { gate }] = scan(step, xs, h0, { record: ['gate'] });   // gate: [T, B, width]
 * ```
 * @param name - for `record`; a name that comes again in the same step becomes `name_1`, `name_2`,
 *   ... there
 * @param x - a tensor that the step made, `[B, ...]`
 * @returns `x` as it is
 * @throws ArgumentError when somebody gathers values and `x` is no tensor
 *
 * Differs from PyTorch: there a layer gives no inner values; a cell of one's own has to return
 * them.
 */
export function tap(name: string, x: Tensor): Tensor {
  if (typeof name !== 'string') refuse(ArgumentError, 'tap', 'name', { value: name, expected: 'a text' });
  recorder?.add(name, x);
  return x;
}

/**
 * Whether the running step's named values are wanted, so that it has to be called as it is written.
 */
export function isGathering(): boolean {
  return recorder !== undefined;
}

/**
 * Runs a part of a step that works in another shape than the step; `form` brings what it taps into
 * the step's.
 */
export function formingTaps<R>(form: (x: Tensor) => Tensor, part: () => R): R {
  if (recorder === undefined) return part();
  const mine = recorder;
  const outer = mine.form;
  mine.form = (x) => outer(form(x));
  try {
    return part();
  } finally {
    mine.form = outer;
  }
}

/**
 * Runs a step and gathers what it taps.
 *
 * @param wanted - the names whose values are wanted
 * @param step - calls the step
 * @returns what the step returned, and the values in the order of the names
 * @throws ArgumentError for a name that the step does not tap; it lists those that it does
 */
export function gatherTaps<R>(wanted: readonly string[], step: () => R): [result: R, values: readonly Tensor[]] {
  const before = recorder;
  // Where nothing is wanted, what this step taps is not for the step around it either.
  const mine = wanted.length === 0 ? undefined : new TapRecorder(wanted);
  recorder = mine;
  try {
    const result = step();
    return [result, mine?.take() ?? []];
  } finally {
    recorder = before;
    mine?.release();
  }
}

class TapRecorder {
  /** From the shape of what is tapped now to that of the step. */
  form: (x: Tensor) => Tensor = (x) => x;
  private readonly wanted: readonly string[];
  private readonly names = new Set<string>();
  private readonly values = new Map<string, Tensor>();

  constructor(wanted: readonly string[]) {
    this.wanted = wanted;
  }

  add(name: string, x: Tensor): void {
    checkTensor('tap', `'${name}'`, x);
    let unique = name;
    for (let n = 1; this.names.has(unique); n++) unique = `${name}_${n}`;
    this.names.add(unique);
    // A handle of its own: the step may free the tensor by a scope inside it.
    if (this.wanted.includes(unique)) this.values.set(unique, this.form(x).alias());
  }

  /** The wanted values, in the care of the scope that is open now. */
  take(): readonly Tensor[] {
    for (const name of this.wanted) if (!this.names.has(name)) refuseName(name, [...this.names]);
    const taken = this.wanted.map((name) => this.values.get(name) as Tensor);
    for (const value of this.values.values()) track(value);
    this.values.clear();
    return taken;
  }

  /** Frees what was not taken. */
  release(): void {
    for (const value of this.values.values()) value.dispose();
  }
}

/** The error for a name that nobody taps. */
function refuseName(name: string, known: readonly string[]): never {
  const expected =
    known.length === 0 ? "a name that the step gives a value by tap('name', value)" : `one of ${known.join(', ')}`;
  refuse(ArgumentError, 'scan', 'record', { has: 'the name', value: name, expected });
}

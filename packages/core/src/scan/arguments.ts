import { checkOptions } from '../checks/options.js';
import { isPromise, refuse, describeValue } from '../checks/refusal.js';
import { checkTensor } from '../checks/tensors.js';
import { checkCount, checkFlag, checkList, checkText } from '../checks/values.js';
import { checkCompileMode, type CompileMode } from '../compile-mode.js';
import { ArgumentError, ShapeError } from '../errors.js';
import { sameShape, showShape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { TreeForm, type Tree, type TreeOf } from '../tree.js';

/** One tensor, or a fixed list of them. */
export type Tensors = Tensor | readonly Tensor[];

/** Tensors that a step works with besides its input and state, as the properties of an object. */
export type StepParameters = object;

/**
 * One step of a recurrence: from an input and the state before to an output and the state after.
 * (`N`, the state as the step returns it, is inferred: so that a list in it counts as a list of so
 * many.)
 */
export type Step<
  X extends object,
  S extends object,
  Y extends object,
  P extends StepParameters = StepParameters,
  N extends TreeOf<S> = TreeOf<S>,
> = (x: TreeOf<X>, state: TreeOf<S>, parameters: P) => readonly [y: Y, state: N];

/** How many steps each row of the batch has. */
export type Lengths = readonly number[] | Int32Array | Tensor;

export interface ScanOptions<P extends StepParameters = StepParameters> {
  /**
   * What the step gets as its third argument: an object with tensors, such as a module. A step that
   * is given its weights this way, and uses nothing but its arguments and the fields of this object
   * (those of objects in it too), is traced once for all calls in which the fields are as they were
   * but for the tensors' values; one that uses tensors from around it is traced at each call.
   */
  readonly parameters?: P;
  /**
   * Valid steps of each row of the batch, from 0 to T. Beyond them the state stays, outputs are
   * zero, and the input counts for nothing, not even a NaN in it.
   */
  readonly lengths?: Lengths;
  /** Walk from each row's last valid step to its first. Outputs keep their places. */
  readonly reverse?: boolean;
  /** Names of inner values of the step, given by `tap`, to be returned for all steps. */
  readonly record?: readonly string[];
  /**
   * What to do where the step cannot be compiled: `'auto'` (run it by single operations),
   * `'required'` (throw a TraceError that says why), `'never'` (do not try). What `setCompileMode`
   * says unless given, which is `'auto'`.
   */
  readonly compile?: CompileMode;
  /**
   * `[T, B]`: where not 0, the row's state is the initial one again before that step, or `resetTo`.
   */
  readonly resets?: Tensor | readonly (readonly number[])[];
  /**
   * The state that a row has again at a reset, in the form and shapes of `state`, which it is
   * unless given. Where `state` is carried over from an earlier piece of a sequence, what begins
   * anew must not begin from there.
   */
  readonly resetTo?: Tree;
}

/** Every name of `ScanOptions`: one that is missing here does not compile. */
export const scanOptions: readonly string[] = /* @__PURE__ */ Object.keys({
  parameters: true,
  lengths: true,
  reverse: true,
  record: true,
  compile: true,
  resets: true,
  resetTo: true,
} satisfies Record<keyof ScanOptions, true>);

/** What the checks found out about a scan. */
export interface ScanExtent {
  readonly steps: number;
  readonly lengths: readonly number[] | undefined;
  /** [T, B], 1 where a row starts afresh. */
  readonly resets: Uint8Array | undefined;
}

/** The form of an argument, after a check that it is a tree of tensors. */
export function checkTree(operation: string, argument: string, value: unknown): TreeForm {
  const form = TreeForm.of(value);
  if (form !== undefined) return form;
  if (Array.isArray(value)) {
    const odd = value.findIndex((part) => !(part instanceof Tensor));
    const isNested = typeof value[odd] === 'object' && value[odd] !== null && !isPromise(value[odd]);
    if (!isNested) checkTensor(operation, `${argument}[${odd}]`, value[odd]);
  } else if (typeof value !== 'object' || value === null || isPromise(value)) checkTensor(operation, argument, value);
  refuse(ArgumentError, operation, argument, {
    received: describeTree(value),
    expected: 'a Tensor, or lists and plain objects of Tensors',
  });
}

/** Checks the arguments of a scan before any work. */
export function checkScan(sequences: readonly Tensor[], initial: readonly Tensor[], options: ScanOptions): ScanExtent {
  checkOptions('scan', options, scanOptions);
  const { lengths, resets, record, parameters, reverse, compile } = options;
  if (parameters !== undefined && (typeof parameters !== 'object' || parameters === null || isPromise(parameters)))
    refuse(ArgumentError, 'scan', 'parameters', { value: parameters, expected: 'an object' });
  if (reverse !== undefined) checkFlag('scan', 'reverse', reverse);
  checkRecord(record);
  if (compile !== undefined) checkCompileMode('scan', 'compile', compile);
  checkPresent('xs', sequences);
  checkPresent('state', initial);
  const [steps, batch] = sequences[0]?.shape ?? [];
  if (sequences[0] === undefined) {
    refuse(ShapeError, 'scan', 'xs', { value: sequences, expected: '[T, B, ...] or a list of such' });
  }
  if (steps === undefined) refuseShape('xs', '[]', '[T, B, ...] or a list of such');
  for (let i = 1; i < sequences.length; i++) if (sequences[i].shape[0] !== steps) refuseSteps(sequences);
  if (lengths === undefined && resets === undefined) return { steps, lengths: undefined, resets: undefined };
  for (const x of sequences) if (batch === undefined || x.shape[1] !== batch) refuseRows('xs', x, batch, '[T, B, ...]');
  for (const s of initial) if (s.shape[0] !== batch) refuseRows('state', s, batch, '[B, ...]');
  const valid = lengths === undefined ? undefined : checkLengths('scan', lengths, batch, steps);
  const marks = resets === undefined ? undefined : checkResets(resets, steps, batch);
  // Past its end a row keeps its state, so nothing is reset there.
  valid?.forEach((length, row) => {
    for (let t = length; t < steps; t++) if (marks !== undefined) marks[t * batch + row] = 0;
  });
  return { steps, lengths: valid, resets: marks };
}

/** Refuses what has no element: no step, no row, no feature. */
function checkPresent(argument: string, tensors: readonly Tensor[]): void {
  for (let i = 0; i < tensors.length; i++) {
    const x = tensors[i];
    if (x.size === 0) refuseShape(argument, showShape(x.shape), 'at least one step, row and feature');
  }
}

function refuseSteps(sequences: readonly Tensor[]): never {
  const received = sequences.map(({ shape }) => showShape(shape)).join(' and ');
  refuse(ShapeError, 'scan', 'xs', { has: 'shapes', received, expected: 'the same number of steps in front' });
}

/** Refuses anything but a list of different names. */
function checkRecord(record: readonly string[] | undefined): void {
  if (record === undefined) return;
  const isList = Array.isArray(record) && record.every((name) => typeof name === 'string');
  if (isList && new Set(record).size === record.length) return;
  const received = isList ? record.map((name) => `'${name}'`).join(', ') : describeValue(record);
  refuse(ArgumentError, 'scan', 'record', { received, expected: 'a list of different names' });
}

/** A value as messages speak of it; three levels deep, as it may hold itself. */
export function describeTree(value: unknown, depth = 0): string {
  if (value instanceof Tensor) return 'a tensor';
  if (depth > 2) return describeValue(value);
  if (Array.isArray(value))
    return value.length === 0 ? 'an empty list' : `[${value.map((part) => describeTree(part, depth + 1)).join(', ')}]`;
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return describeValue(value);
  const entries = Object.entries(value).map(([name, part]) => `${name}: ${describeTree(part, depth + 1)}`);
  return `{ ${entries.join(', ')} }`;
}

function refuseShape(argument: string, received: string, expected: string): never {
  refuse(ShapeError, 'scan', argument, { has: 'shape', received, expected });
}

function refuseRows(argument: string, x: Tensor, batch: number | undefined, form: string): never {
  const size = batch === undefined ? '' : `, here ${batch}`;
  refuseShape(argument, showShape(x.shape), `${form} with one batch size${size}, as lengths and resets speak of rows`);
}

function checkResets(resets: NonNullable<ScanOptions['resets']>, steps: number, batch: number): Uint8Array {
  if (!(resets instanceof Tensor)) {
    checkList('scan', 'resets', resets, 'rows');
    for (let t = 0; t < resets.length; t++)
      if (!Array.isArray(resets[t])) checkList('scan', `resets[${t}]`, resets[t], 'marks');
    const odd = resets.findIndex((row) => row.length !== batch);
    if (odd > 0) refuseShape(`resets[${odd}]`, `[${resets[odd].length}]`, `[${batch}]`);
  }
  const shape = resets instanceof Tensor ? resets.shape : [resets.length, resets[0]?.length ?? 0];
  if (!sameShape(shape, [steps, batch])) refuseShape('resets', showShape(shape), `[${steps}, ${batch}]`);
  const values = resets instanceof Tensor ? resets.dataSync() : undefined;
  const marks = new Uint8Array(steps * batch);
  for (let i = 0; i < marks.length; i++) {
    const mark = values?.[i] ?? (resets as readonly (readonly number[])[])[Math.floor(i / batch)][i % batch];
    marks[i] = mark === 0 ? 0 : 1;
  }
  return marks;
}

/** `[steps, rows]`, 1 for the steps that a row still has, 0 beyond its end. */
export function validSteps(lengths: ArrayLike<number>, steps: number): Float32Array {
  const rows = lengths.length;
  const marks = new Float32Array(steps * rows);
  for (let row = 0; row < rows; row++) for (let t = 0; t < lengths[row]; t++) marks[t * rows + row] = 1;
  return marks;
}

/**
 * The lengths of a batch as numbers, after a check.
 *
 * @example
 * ```ts
 * checkLengths('mean', Int32Array.of(2, 0), 2, 5); // [2, 0]
 * checkLengths('mean', [6, 1], 2, 5);
 * // ArgumentError: ...
 * ```
 * @param operation - for the message
 * @param lengths - one for each row
 * @param batch - number of rows
 * @param steps - the longest that is possible
 * @returns whole numbers from 0 to `steps`
 */
export function checkLengths(operation: string, lengths: Lengths, batch: number, steps: number): number[] {
  checkText('checkLengths', 'operation', operation);
  checkCount(operation, 'batch', batch);
  checkCount(operation, 'steps', steps);
  if (!(lengths instanceof Tensor || Array.isArray(lengths) || ArrayBuffer.isView(lengths))) {
    const expected = 'an array of whole numbers, one a row';
    refuse(ArgumentError, operation, 'lengths', {
      value: lengths,
      expected,
      ...(lengths === null && { hint: 'leave it out (undefined, not null) where there are none' }),
    });
  }
  const list: number[] = Array.from<number>(lengths instanceof Tensor ? lengths.dataSync() : lengths);
  if (list.length !== batch) {
    refuse(ShapeError, operation, 'lengths', {
      has: 'length',
      received: String(list.length),
      expected: `${batch}, one for each row of the batch`,
      ...(list.length === steps && { hint: `the data have ${steps} steps: are they [B, T, ...], for batchFirst?` }),
    });
  }
  list.forEach((length, row) => checkCount(operation, `lengths[${row}]`, length, 0, steps));
  return list;
}

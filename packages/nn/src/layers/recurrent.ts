import {
  ArgumentError,
  checkLengths,
  explain,
  scan,
  scope,
  ShapeError,
  showShape,
  Tensor,
  tensor,
  type CompileMode,
  type Lengths,
  type Explanation,
  type Records,
  type ScanOptions,
  type Step,
  type Tensors,
} from '@rnn/core';
import { checkFlag, checkOptions, checkTensor, refuse } from '@rnn/core/checks';
import { checkCell, checkState, initialStateOf, type Cell } from '../cells/cell.js';
import { Module } from '../module.js';
import type { LayerExplanation } from './layer-explanation.js';
import type { RecordingOptions } from './layer-options.js';
import { checkRecord } from './layer-records.js';

/** What `Recurrent` takes. */
export interface RecurrentOptions {
  /** Input and output are `[B, T, ...]`. */
  readonly batchFirst?: boolean;
}

/** What a forward pass of `Recurrent` takes besides. */
export interface RecurrentForwardOptions {
  /** Valid steps of each row, from 0 to T. Padding enters neither states nor gradients; outputs past the end are zero. */
  readonly lengths?: Lengths;
  /** From each row's last valid step to its first. */
  readonly reverse?: boolean;
  /** `[T, B]` (`[B, T]` if batch first): where not 0, the row's state is the initial one again before that step. */
  readonly resets?: ScanOptions['resets'];
  /** Names of inner values, which the cell gives by `tap`, that are to be returned for every step. */
  readonly record?: readonly string[];
  /**
   * What to do where the step cannot be compiled: `'auto'` (run it by single operations), `'required'` (throw a TraceError that says why) or
   * `'never'` (do not try). What `setCompileMode` says unless given, which is `'auto'`.
   */
  readonly compile?: CompileMode;
}

/**
 * Runs any cell over a sequence, one's own too: whatever goes from an input and a state to the next state.
 *
 * @example
 * ```ts
 * const layer = new Recurrent(new LSTMCell(3, 2));
 * const [output, [hN, cN]] = layer.forward(ones([7, 5, 3]), undefined, { lengths: [7, 4, 4, 1, 0] });   // [7, 5, 2], [5, 2], [5, 2]
 * ```
 * @param cell - a module with `forward(x, state)`; the state is a tensor or a list of tensors, and the first of them is the output
 * @param options - `batchFirst` (false)
 * @throws ArgumentError when the cell has no forward, or for unknown options
 *
 * The cell's step is traced and runs as one compiled loop where it can: `explain` says whether. It is traced at each call, unless the cell
 * says `traceOnce`. The cell's parameters stand under `cell.` in the state dict. PyTorch has no such thing: there, a cell of one's own is a loop in Python.
 */
export class Recurrent<S extends Tensors = Tensor> extends Module {
  readonly cell: Cell<S>;
  readonly batchFirst: boolean;

  constructor(cell: Cell<S>, options: RecurrentOptions = {}) {
    super();
    checkOptions('Recurrent', options, ['batchFirst']);
    const { batchFirst = false } = options;
    checkFlag('Recurrent', 'batchFirst', batchFirst);
    checkCell('Recurrent', 'cell', cell);
    this.cell = cell;
    this.batchFirst = batchFirst;
  }

  /**
   * @param x - `[T, B, ...]`, `[B, T, ...]` if batch first, or `[T, I]` for a single sequence
   * @param h0 - the state before the first step, as the cell takes it; what `cell.initialState(B)` gives unless it is given
   * @param options - `lengths`, `reverse`, `resets`, `record`, `compile`
   * @returns `output` `[T, B, ...]` in the form of the input: the first tensor of each step's state; the state after the last step; with
   *   `record` also an object with the named values, `[T, B, ...]` each in the form of the output, zero past the end of a row
   * @throws ShapeError, ArgumentError when input, state, lengths and resets do not fit, the state is missing, or the cell taps no such name
   */
  forward(
    x: Tensor,
    h0: S | undefined,
    options: RecordingOptions<RecurrentForwardOptions>,
  ): [output: Tensor, last: S, records: Records];
  forward(x: Tensor, h0?: S, options?: RecurrentForwardOptions): [output: Tensor, last: S];
  forward(x: Tensor, h0?: S, options: RecurrentForwardOptions = {}): [output: Tensor, last: S, records?: Records] {
    checkOptions('Recurrent', options, optionNames);
    const [output, last, records] = runCell(this.#run(), x, h0, options);
    return options.record === undefined ? [output, last] : [output, last, records];
  }

  /**
   * Says which road the cell takes, with the programs that run. Nothing is computed.
   *
   * @example
   * ```ts
   * const [{ road, reason }] = new Recurrent(new GRUCell(3, 2)).explain(ones([7, 5, 3]));   // 'compiled', undefined
   * ```
   * @param x - as for `forward`
   * @param h0 - as for `forward`
   * @param options - as for `forward`
   * @returns one entry: name (`cell`), road, reason, products and text
   * @throws what `forward` throws, but for errors of the cell itself, which are the reason of the eager road
   */
  explain(x: Tensor, h0?: S, options: RecurrentForwardOptions = {}): LayerExplanation[] {
    checkOptions('Recurrent', options, optionNames);
    return [{ name: 'cell', ...explainCell(this.#run(), x, h0, options) }];
  }

  #run(): CellRun<S> {
    return { owner: 'Recurrent', cell: this.cell, batchFirst: this.batchFirst };
  }
}

const optionNames = ['lengths', 'reverse', 'resets', 'record', 'compile'];

/** A cell and how its sequences lie. */
export interface CellRun<S extends Tensors> {
  /** Whose call it is, for messages. */
  readonly owner: string;
  readonly cell: Cell<S>;
  readonly batchFirst: boolean;
}

/** One pass of a cell over a sequence; see `Recurrent`. */
export function runCell<S extends Tensors>(
  run: CellRun<S>,
  x: Tensor,
  h0: S | undefined,
  options: RecurrentForwardOptions,
): [output: Tensor, last: S, records: Records] {
  const form = checkedForm(run, x, h0, options);
  const asGiven = (value: Tensor): Tensor => (form.turned ? value.transpose(0, 1) : value);
  return scope(() => {
    const { step, xs, state, options: rest } = arranged(run, x, h0, options, form);
    const { record } = options;
    if (record === undefined) {
      const [output, last] = scan(step, xs, state, rest);
      return [asGiven(output), last, {}];
    }
    const [output, last, values] = scan(step, xs, state, { ...rest, record });
    const records = Object.entries(values).map(([name, value]) => [name, asGiven(value)] as const);
    return [asGiven(output), last, Object.fromEntries(records)];
  });
}

/** Which road such a pass takes; see `Recurrent`. */
export function explainCell<S extends Tensors>(
  run: CellRun<S>,
  x: Tensor,
  h0: S | undefined,
  options: RecurrentForwardOptions,
): Explanation {
  const form = checkedForm(run, x, h0, options);
  return scope(() => {
    const { step, xs, state, options: rest } = arranged(run, x, h0, options, form);
    return explain(step, xs, state, { ...rest, record: options.record });
  });
}

/** How a sequence lies. */
interface SequenceForm {
  /** `undefined` for a single sequence. */
  readonly batch: number | undefined;
  /** Whether it is `[B, T, ...]`. */
  readonly turned: boolean;
  readonly lengths: readonly number[] | undefined;
}

function checkedForm<S extends Tensors>(
  { owner, batchFirst }: CellRun<S>,
  x: Tensor,
  h0: S | undefined,
  { lengths, resets, record }: RecurrentForwardOptions,
): SequenceForm {
  checkTensor(owner, 'input', x);
  checkState(owner, 'h0', h0);
  checkRecord(owner, record);
  // Two dimensions are a single sequence, unless something tells that there is a batch.
  const batched =
    x.rank > 2 || lengths !== undefined || resets !== undefined || (h0 !== undefined && first(h0).rank > 1);
  const form = batched ? (batchFirst ? '[B, T, ...]' : '[T, B, ...]') : '[T, I]';
  if (x.rank < 2 || x.size === 0) {
    const expected = `${form} with every size at least 1`;
    refuse(ShapeError, owner, 'input', { has: 'shape', received: showShape(x.shape), expected });
  }
  const turned = batched && batchFirst;
  return {
    batch: batched ? x.shape[turned ? 0 : 1] : undefined,
    turned,
    lengths: lengths && checkLengths(owner, lengths, x.shape[turned ? 0 : 1], x.shape[turned ? 1 : 0]),
  };
}

/** The arguments of `scan`. */
interface CellScan<S extends Tensors> {
  readonly step: Step<Tensor, S, Tensor, Cell<S>>;
  readonly xs: Tensor;
  readonly state: S;
  readonly options: ScanOptions<Cell<S>>;
}

function arranged<S extends Tensors>(
  { owner, cell }: CellRun<S>,
  x: Tensor,
  h0: S | undefined,
  { resets, reverse, compile }: RecurrentForwardOptions,
  { batch, turned, lengths }: SequenceForm,
): CellScan<S> {
  const isRemembered = cell.traceOnce === true;
  return {
    step: isRemembered ? stepOf(cell) : (input, before) => cellStep(input, before, cell),
    xs: turned ? x.transpose(0, 1) : x,
    state: h0 ?? initialStateOf(owner, cell, batch),
    options: {
      // A step with parameters is traced once for all calls in which they look the same.
      parameters: isRemembered ? cell : undefined,
      lengths,
      reverse,
      compile,
      resets: turned ? resets && turnedMarks(resets, x) : resets,
    },
  };
}

/** Steps by the cell: what is remembered of a step goes with its cell, also where the cell is a plain object. */
const steps = new WeakMap<object, typeof cellStep>();

function stepOf(cell: object): typeof cellStep {
  let step = steps.get(cell);
  if (step === undefined) steps.set(cell, (step = (input, before, self) => cellStep(input, before, self)));
  return step;
}

function cellStep<S extends Tensors>(input: Tensor, before: S, cell: Cell<S>): readonly [Tensor, S] {
  const after = cell.forward(input, before);
  checkAfter(cell, after);
  return [first(after), after];
}

/** Refuses what is no state: that of a cell of one's own that forgot its return, above all. */
function checkAfter(cell: object, after: unknown): void {
  if (after instanceof Tensor) return;
  if (Array.isArray(after) && after.length > 0 && after.every((part) => part instanceof Tensor)) return;
  const expected = 'the state after the step, a Tensor or an array of Tensors';
  refuse(ArgumentError, cell.constructor.name, 'forward', {
    part: 'the result',
    value: after,
    expected,
    ...(after === undefined && { hint: 'return it' }),
  });
}

/** `resets` as `scan` takes them, `[T, B]`, from `[B, T]`. */
function turnedMarks(resets: NonNullable<ScanOptions['resets']>, { backend }: Tensor): Tensor {
  return (resets instanceof Tensor ? resets : tensor(resets, { backend })).transpose(0, 1);
}

function first(state: Tensors): Tensor {
  return state instanceof Tensor ? state : state[0];
}

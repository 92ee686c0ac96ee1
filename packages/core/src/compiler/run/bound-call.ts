/**
 * A compiled step bound to a backend and to the shapes of its tensors: the call of a layer, of a
 * `scan` or of a compiled function that comes again. What it depends on is checked in one place,
 * and a run takes storages, runs one executable, and wraps what comes out. It is for calls that are
 * not recorded and have no lengths, resets or random draws; all others take the general way
 * (`run.ts`).
 */
import { ambient } from '../../ambient.js';
import type { Backend, Storage } from '../../backend.js';
import type { DType } from '../../dtype.js';
import { isRecorded, wrap } from '../../record.js';
import { sameShape, type Shape } from '../../shape.js';
import { Tensor } from '../../tensor.js';
import { countTrace } from '../cache/program-cache.js';
import { FieldValues, isPlain } from '../cache/guards.js';
import { capturedIn, type ParameterGuards, type Traced } from '../cache/trace-cache.js';
import type { Plans } from '../lower/passes.js';
import type { Storages } from './executable.js';
import { forwardExecutable, meanOf, type ForwardExecutable, type RunResults } from './run.js';

/** How the tensors of a call lie. */
interface BoundForm {
  /**
   * Whether the first dimension of the inputs is that of the steps, which may be any number in
   * another call.
   */
  readonly hasSteps: boolean;
  readonly rows: number;
  /** Whether each element is a row. */
  readonly isElementwise: boolean;
  /** Whether the inputs may come in any shape that they have in common, which sets the rows. */
  readonly isAnyShape: boolean;
  /** Whether the mean over all elements of an output is the result. */
  readonly isMean: boolean;
}

export class BoundCall {
  readonly backend: Backend;
  private readonly dtype: DType;
  private readonly recorded: boolean;
  private readonly plans: Plans;
  /** What ran last, and for how many steps and rows: mostly the next call has as many. */
  private pass: ForwardExecutable | undefined;
  private steps = 0;
  private rows = 0;
  private readonly inputs: readonly Shape[];
  private readonly states: readonly Shape[];
  private readonly form: BoundForm;
  /**
   * The dimensions in front of the last outputs, and their shapes: mostly the next ones have the
   * same.
   */
  private lead: Shape | undefined;
  private outputShapes: readonly Shape[] = [];

  private constructor(plans: Plans, inputs: readonly Tensor[], states: readonly Tensor[], form: BoundForm) {
    const [{ backend, dtype }] = inputs;
    this.backend = backend;
    this.dtype = dtype;
    this.recorded = ambient.recording.value;
    this.plans = plans;
    this.inputs = inputs.map(({ shape }) => shape);
    this.states = states.map(({ shape }) => shape);
    this.form = form;
  }

  /**
   * Binds a call.
   *
   * @param traced - its trace
   * @param inputs - its tensors; others of the same shapes may come in their place
   * @param states - likewise
   * @param form - how they lie
   * @returns `undefined` for a call that is recorded or draws random numbers
   */
  static of(
    { plans, captured, draws }: Traced,
    inputs: readonly Tensor[],
    states: readonly Tensor[],
    form: BoundForm,
  ): BoundCall | undefined {
    const isGeneral = draws.length > 0 || isRecorded(inputs) || isRecorded(states) || isRecorded(captured);
    return isGeneral ? undefined : new BoundCall(plans, inputs, states, form);
  }

  /** Whether the inputs may come in any shape that they have in common. */
  get isAnyShape(): boolean {
    return this.form.isAnyShape;
  }

  /**
   * Whether this is the call of these inputs and states, in the mode that holds now; of these
   * inputs alone where the states are left out.
   */
  serves(inputs: readonly Tensor[], states?: readonly Tensor[]): boolean {
    if (ambient.recording.value !== this.recorded || ambient.checking.value || ambient.tracing.value) return false;
    if (!(this.isAnyShape ? this.areAlike(inputs) : this.fit(inputs, this.inputs, this.form.hasSteps))) return false;
    return states === undefined || this.fit(states, this.states, false);
  }

  /**
   * Whether captured tensors, whose shapes are known to be as before, are where this runs, and no
   * gradient of them is wanted.
   */
  servesWith(captured: readonly Tensor[]): boolean {
    for (let i = 0; i < captured.length; i++) if (!captured[i].isUnrecorded(this.backend, this.dtype)) return false;
    return true;
  }

  /** Whether there are as many inputs as before, of one shape. */
  private areAlike(inputs: readonly Tensor[]): boolean {
    if (inputs.length !== this.inputs.length || inputs[0].size === 0) return false;
    for (let i = 0; i < inputs.length; i++) {
      if (!inputs[i].isUnrecorded(this.backend, this.dtype)) return false;
      if (i > 0 && !sameShape(inputs[i].shape, inputs[0].shape)) return false;
    }
    return true;
  }

  private fit(tensors: readonly Tensor[], shapes: readonly Shape[], hasSteps: boolean): boolean {
    if (tensors.length !== shapes.length) return false;
    for (let i = 0; i < tensors.length; i++) {
      const { shape } = tensors[i];
      const expected = shapes[i];
      if (shape.length !== expected.length || !tensors[i].isUnrecorded(this.backend, this.dtype)) return false;
      // All inputs have as many steps as the first.
      if (hasSteps && (shape[0] !== tensors[0].shape[0] || shape[0] === 0)) return false;
      for (let dim = hasSteps ? 1 : 0; dim < shape.length; dim++) if (shape[dim] !== expected[dim]) return false;
    }
    return true;
  }

  /**
   * @param inputs - of a call that this serves, like the other tensors
   * @param carried - the storages of the state
   * @param captured - what the step uses besides
   * @param lead - the dimensions of the outputs in front of a row's
   * @param lastShapes - the shapes of the last state, where the caller wants others than the step's
   */
  run(
    inputs: readonly Tensor[],
    carried: readonly Storage[],
    captured: readonly Tensor[],
    lead: Shape,
    lastShapes: readonly Shape[] = this.states,
  ): RunResults {
    const { backend, form } = this;
    const steps = form.hasSteps ? inputs[0].shape[0] : 1;
    const rows = form.isAnyShape ? inputs[0].size : form.rows;
    const pass = this.passFor(steps, rows);
    const storages: Storages = new Array<Storage>(pass.plan.places); // just as long: `push` makes room for more
    for (let i = 0; i < inputs.length; i++) storages[i] = inputs[i].storage;
    for (let i = 0; i < captured.length; i++) storages[inputs.length + i] = captured[i].storage;
    const extent = { steps, rows, lengths: undefined, resets: undefined };
    const made = pass.plan.run(storages, carried, extent);
    countTrace(true);
    const last = new Array<Tensor>(lastShapes.length);
    for (let i = 0; i < last.length; i++) last[i] = wrap(backend, made.carry[i], lastShapes[i]);
    const shapes = form.isElementwise ? undefined : this.shapesBehind(pass, lead);
    const outputs = new Array<Tensor>(pass.outputs.length);
    for (let i = 0; i < outputs.length; i++) {
      const { at, first } = pass.outputs[i];
      const shape = shapes === undefined ? lead : shapes[i];
      outputs[i] = first === i ? wrap(backend, made.ys[at], shape) : new Tensor(outputs[first].held.retain(), shape);
    }
    return { outputs: form.isMean ? meansOf(outputs) : outputs, last };
  }

  private passFor(steps: number, rows: number): ForwardExecutable {
    if (this.pass === undefined || steps !== this.steps || rows !== this.rows) {
      this.steps = steps;
      this.rows = rows;
      this.pass = forwardExecutable(this.backend, this.plans, undefined, { steps, rows });
    }
    return this.pass;
  }

  private shapesBehind(pass: ForwardExecutable, lead: Shape): readonly Shape[] {
    if (this.lead !== lead && (this.lead === undefined || !sameShape(this.lead, lead))) {
      this.lead = lead;
      this.outputShapes = pass.outputs.map((_, i) => pass.outputShape(i, lead, false));
    }
    return this.outputShapes;
  }
}

/** The means of tensors in the place of the tensors. */
function meansOf(outputs: readonly Tensor[]): Tensor[] {
  try {
    return outputs.map(({ backend, storage }) => meanOf(backend, storage));
  } finally {
    for (const output of outputs) output.dispose();
  }
}

/**
 * What a bound call depends on of its parameters. To be kept with the parameters, whose tensors it
 * holds where they are an object of some class.
 */
export class BoundParameters {
  private readonly guards: ParameterGuards;
  /** The fields of the parameters at the last call, and those that are captured. */
  private fields: FieldValues | undefined;
  private captured: readonly Tensor[];

  /**
   * @param guards - of a trace that serves
   * @param parameters - of its call
   * @param captured - what the trace captured of them
   */
  constructor(guards: ParameterGuards, parameters: object, captured: readonly Tensor[]) {
    this.guards = guards;
    this.fields = isPlain(parameters) ? undefined : FieldValues.of(guards.fields, parameters);
    this.captured = this.fields === undefined ? [] : captured;
  }

  /** What a call captures of parameters; nothing where they are not as they were. */
  capturedIn(parameters: object, call: BoundCall): readonly Tensor[] | undefined {
    const { guards, fields } = this;
    if (fields?.hold(parameters) === true && call.servesWith(this.captured)) return this.captured;
    const captured = capturedIn(parameters, guards, call.backend);
    if (captured === undefined || fields === undefined) return captured;
    this.fields = FieldValues.of(guards.fields, parameters);
    return (this.captured = captured);
  }
}

/**
 * A row-wise function as programs of one step: traced once for each signature, run in one go,
 * recorded as one operation.
 */
import type { Backend, Storage } from '../backend.js';
import { compileModeOf, refuseEager } from '../compile-mode.js';
import { isFloating } from '../dtype.js';
import { TraceError } from '../errors.js';
import { isAnomalyEnabled, isGradEnabled } from '../grad-mode.js';
import { reshape } from '../ops/broadcast.js';
import { EagerRows, type RowFunction, type RowFunctionOptions, type RowResults } from '../row-wise.js';
import { scope } from '../scope.js';
import { sizeOf, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { isTracing } from '../tracing-mode.js';
import type { TreeForm } from '../tree.js';
import { drawFor, sameGenerators, type TracedDraw } from '../scan/random.js';
import { guardsOf, isPlain } from './cache/guards.js';
import { plansFor, type FoundPlans } from './cache/program-cache.js';
import { recordStep, type TensorSpec, type TraceRequest } from './trace/record-step.js';
import type { Recording } from './trace/recording.js';
import { replayedStep } from './trace/replay.js';
import { BoundCall, BoundCalls, BoundParameters } from './run/bound-call.js';
import { runCompiled } from './run/run.js';
import { isGathering } from '../scan/tap.js';
import { hasForm, sameSpecs, TraceCache, type ParameterGuards } from './cache/trace-cache.js';

/** What is remembered of a call. */
interface Remembered extends Pick<FoundPlans, 'plans' | 'draws'> {
  /** Forms of the inputs; the shape is that of a row. */
  readonly inputs: readonly TensorSpec[];
}

/** A call that comes again as it was but for the tensors' values. */
interface BoundRow {
  readonly call: BoundCall;
  readonly parameters: BoundParameters;
  /** Of the outputs. */
  readonly lead: Shape;
  readonly form: TreeForm;
}

/** A row-wise function with its traces. */
export class OneStep extends EagerRows {
  private readonly name: string;
  private readonly options: RowFunctionOptions;
  private readonly memory: TraceCache<Remembered, readonly Tensor[]>;
  private readonly bound = new BoundCalls<BoundRow>();

  constructor(name: string, fn: RowFunction, options: RowFunctionOptions) {
    super(fn, options);
    this.name = name;
    this.options = options;
    this.memory = new TraceCache<Remembered, readonly Tensor[]>(
      serves,
      (a, b) => a.plans === b.plans && sameSpecs(a.inputs, b.inputs) && sameGenerators(a.draws, b.draws),
      (_, [x]) => (options.anyRows ? undefined : this.rowsOf(x)),
    );
  }

  /** @throws TraceError where the function has to be compiled and cannot be */
  override run(inputs: readonly Tensor[], parameters: object): RowResults {
    const [{ backend, size }] = inputs;
    if (size === 0 || isAnomalyEnabled() || isTracing() || this.isEager(backend)) return super.run(inputs, parameters);
    const known = this.memory.get(inputs, backend, parameters);
    if (known !== undefined) {
      const { trace, captured, recording, guards } = known;
      this.bind(inputs, parameters, { ...trace, captured, recording }, guards);
      return this.compiled({ plans: trace.plans, draws: trace.draws, captured, recording }, inputs, parameters);
    }
    const before = guardsOf(parameters);
    const found = this.trace(inputs, parameters);
    if (found instanceof TraceError) {
      if (compileModeOf(this.options.compile) === 'required') refuseEager(this.name, found);
      return super.run(inputs, parameters);
    }
    if (before !== undefined) {
      const { plans, draws, captured, recording } = found;
      const trace = { inputs: inputs.map((x) => this.specOf(x)), plans, draws };
      const guards = this.memory.set({ trace, captured, recording, backend, parameters, before });
      if (guards !== undefined) this.bind(inputs, parameters, found, guards);
    }
    return this.compiled(found, inputs, parameters);
  }

  /** Whether calls run by single operations, whatever the function. */
  private isEager(backend: Backend): boolean {
    const mode = compileModeOf(this.options.compile);
    return mode === 'never' || (mode === 'auto' && backend.compile === undefined) || isGathering();
  }

  /** Binds a call whose trace serves again. */
  private bind(inputs: readonly Tensor[], parameters: object, found: FoundPlans, guards: ParameterGuards): void {
    const [first] = inputs;
    const form = { hasSteps: false, rows: this.rowsOf(first), isElementwise: this.elementwise };
    const call = BoundCall.of(found, inputs, none, form);
    if (call === undefined) return;
    this.bound.keep(this.ownerOf(parameters), first.backend, {
      call,
      parameters: new BoundParameters(guards, parameters, found.captured),
      lead: this.leadOf(first),
      form: found.plans.step.form,
    });
  }

  /** What bound calls are kept with: parameters that are an object of some class, else this. */
  private ownerOf(parameters: object): object {
    return isPlain(parameters) ? this : parameters;
  }

  override runBound(inputs: readonly Tensor[], parameters: object): RowResults | undefined {
    if (inputs.length === 0) return undefined;
    const [{ backend }] = inputs;
    const list = this.bound.of(this.ownerOf(parameters), backend);
    if (list === undefined || this.isEager(backend)) return undefined;
    for (let i = list.length - 1; i >= 0; i--) {
      const { call, parameters: known, lead, form } = list[i];
      if (!call.serves(inputs, none)) continue;
      const captured = known.capturedIn(parameters, call);
      if (captured !== undefined) return { outputs: call.run(inputs, noStorages, captured, lead).outputs, form };
    }
    return undefined;
  }

  /** The programs, or why there are none. */
  private trace(inputs: readonly Tensor[], parameters: object): FoundPlans | TraceError {
    const [{ dtype }] = inputs;
    if (!isFloating(dtype)) return new TraceError(`the arguments are of ${dtype}`);
    try {
      const found = plansFor(this.stepOf(parameters), this.requestFor(inputs), false);
      if (this.elementwise && found.plans.step.outputShapes.some((shape) => sizeOf(shape) !== 1))
        return new TraceError('a result does not have the shape of the arguments');
      return found;
    } catch (error) {
      if (error instanceof TraceError) return error;
      throw error;
    }
  }

  private stepOf(parameters: object): (xs: readonly Tensor[]) => RowResults & { readonly next: readonly Tensor[] } {
    return (xs) => ({ ...this.fn(xs, parameters), next: [] });
  }

  private requestFor(inputs: readonly Tensor[]): TraceRequest {
    const [first] = inputs;
    return {
      backend: first.backend,
      batched: true,
      rows: this.rowsOf(first),
      inputs: inputs.map((x) => ({ shape: [this.widthOf(x)], dtype: x.dtype, wantsGrad: x.requiresGrad })),
      states: [],
      recorded: isGradEnabled(),
    };
  }

  private compiled(traced: FoundPlans, inputs: readonly Tensor[], parameters: object): RowResults {
    const [first] = inputs;
    const rows = this.rowsOf(first);
    const { draws, recording } = traced;
    const { outputs } = runCompiled({
      name: this.name,
      traced,
      inputs,
      states: none,
      extent: { steps: 1, rows, lengths: undefined, resets: undefined },
      reverse: false,
      lead: this.leadOf(first),
      isElementwise: this.elementwise,
      draw: () => draws.map((one) => drawFor(one, rows, first.backend)),
      again: (ends) => this.again(recording, draws, inputs.length, ends, parameters),
    });
    return { outputs, form: traced.plans.step.form };
  }

  /** Does by single operations what was recorded. */
  private again(
    recording: Recording,
    draws: readonly TracedDraw[],
    count: number,
    ends: readonly Tensor[],
    parameters: object,
  ): readonly Tensor[] {
    return scope(() => {
      const inputs = ends.slice(0, count);
      const lead = this.leadOf(inputs[0]);
      // A function that does the same for any number of rows was recorded for another one.
      const mine =
        recording.rows === this.rowsOf(inputs[0])
          ? recording
          : recordStep(this.stepOf(parameters), { ...this.requestFor(inputs), recorded: true }).recording;
      const matrices = inputs.map((x) => this.asMatrix(x));
      const { outputs } = replayedStep(mine, ends.slice(count), draws)(matrices, []);
      return outputs.map((y) => reshape(y, this.elementwise ? lead : [...lead, ...y.shape.slice(1)]));
    });
  }

  private rowsOf(x: Tensor): number {
    return x.size / this.widthOf(x);
  }

  private specOf({ shape, dtype, requiresGrad }: Tensor): TensorSpec {
    return { shape: this.elementwise ? [] : shape.slice(-1), dtype, wantsGrad: requiresGrad };
  }
}

const none: readonly Tensor[] = [];
const noStorages: readonly Storage[] = [];

/** Whether a trace serves for these inputs. */
function serves(trace: Remembered, inputs: readonly Tensor[], backend: Backend): boolean {
  if (trace.inputs.length !== inputs.length) return false;
  for (let i = 0; i < inputs.length; i++) if (!hasForm(inputs[i], trace.inputs[i], backend)) return false;
  return true;
}

/** A row-wise function as programs of one step: traced once for each signature, run in one go, recorded as one operation. */
import type { Backend, Storage } from '../backend.js';
import { isFloating } from '../dtype.js';
import { isAnomalyEnabled, isGradEnabled } from '../grad-mode.js';
import { reshape } from '../ops/broadcast.js';
import { isRecorded, recordAll, wrap } from '../record.js';
import { scope } from '../scope.js';
import { sizeOf, type Shape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { deriveBySteps } from './derive-by-steps.js';
import { picture } from './fields.js';
import { plansFor, ROWS } from './known-plans.js';
import type { Plans } from './plans.js';
import type { Extent } from './ready-plan.js';
import { readyForward } from './ready-passes.js';
import { runBackward } from './run-backward.js';
import { formingTaps, isGathering } from './tap.js';
import { hasForm, TraceMemory } from './trace-memory.js';
import type { Slot } from './traced-step.js';

/** What a function makes. */
interface Made {
  readonly outputs: readonly Tensor[];
  /** Whether the output came by itself, not in a list. */
  readonly isSingle: boolean;
}

/** A function of matrices `[rows, width]` to lists of tensors `[rows, ...]`. */
type RowFunction = (inputs: readonly Tensor[], parameters: object) => Made;

/** What is remembered of a call. */
interface Remembered {
  /** Forms of the inputs; the shape is that of a row. */
  readonly inputs: readonly Slot[];
  /** The programs; nothing where the function has to run by single operations. */
  readonly plans: Plans | undefined;
}

/** A row-wise function with its traces. */
export class OneStep {
  private readonly name: string;
  private readonly fn: RowFunction;
  /** Whether every element is a row by itself. */
  private readonly elementwise: boolean;
  private readonly memory = new TraceMemory<Remembered, readonly Tensor[]>(serves);

  constructor(name: string, fn: RowFunction, elementwise: boolean) {
    this.name = name;
    this.fn = fn;
    this.elementwise = elementwise;
  }

  /**
   * @param inputs - checked: all on one backend, with the same leading dimensions
   * @param parameters - what else the function gets
   */
  run(inputs: readonly Tensor[], parameters: object): Made {
    const [{ backend, size }] = inputs;
    if (backend.compile === undefined || size === 0 || isAnomalyEnabled() || isGathering())
      return this.eagerly(inputs, parameters);
    const known = this.memory.recall(inputs, backend, parameters);
    if (known !== undefined) {
      const { plans } = known.trace;
      return plans === undefined
        ? this.eagerly(inputs, parameters)
        : this.compiled(plans, inputs, known.captured, parameters);
    }
    const before = picture(parameters);
    const found = this.trace(inputs, parameters);
    if (before !== undefined) {
      const trace = { inputs: inputs.map((x) => this.slotOf(x)), plans: found?.plans };
      this.memory.remember(trace, found?.captured ?? nothing, backend, parameters, before);
    }
    return found === undefined
      ? this.eagerly(inputs, parameters)
      : this.compiled(found.plans, inputs, found.captured, parameters);
  }

  /** By single operations. */
  private eagerly(inputs: readonly Tensor[], parameters: object): Made {
    return scope(() => {
      const lead = this.leadOf(inputs[0]);
      const asGiven = (y: Tensor): Tensor => reshape(y, this.elementwise ? lead : [...lead, ...y.shape.slice(1)]);
      const matrices = inputs.map((x) => this.asMatrix(x));
      const { outputs, isSingle } = formingTaps(asGiven, () => this.fn(matrices, parameters));
      return { outputs: outputs.map(asGiven), isSingle };
    });
  }

  /** The programs; nothing where the function does what a program cannot. */
  private trace(inputs: readonly Tensor[], parameters: object): ReturnType<typeof plansFor> | undefined {
    const [{ backend, dtype }] = inputs;
    if (!isFloating(dtype)) return undefined;
    const request = {
      backend,
      batched: true,
      rows: ROWS,
      inputs: inputs.map((x) => ({ shape: [this.widthOf(x)], dtype, wantsGrad: x.requiresGrad })),
      states: [],
      recorded: isGradEnabled(),
    };
    try {
      const found = plansFor((xs) => ({ ...this.fn(xs, parameters), next: [] }), request, false);
      readyForward(backend, found.plans, undefined); // the backend may refuse a program
      if (this.elementwise && found.plans.step.outputShapes.some((shape) => sizeOf(shape) !== 1)) return undefined;
      return found;
    } catch (error) {
      // Whatever is wrong with the function itself shows again, with real tensors, when it runs by single operations.
      if (!(error instanceof Error)) throw error;
      return undefined;
    }
  }

  private compiled(plans: Plans, inputs: readonly Tensor[], captured: readonly Tensor[], parameters: object): Made {
    const [first] = inputs;
    const { backend } = first;
    const rows = first.size / this.widthOf(first);
    const everything = isGradEnabled() ? [...inputs, ...captured] : nothing;
    const training = isRecorded(everything) ? plans.training : undefined;
    const { plan, outputs: places, kept } = readyForward(backend, plans, training);
    const run: Extent = { steps: 1, rows, lengths: undefined, resets: undefined };
    const made: Storage[] = [];
    for (let i = 0; i < inputs.length; i++) plan.lend(i, inputs[i].storage);
    for (let i = 0; i < captured.length; i++) plan.lend(inputs.length + i, captured[i].storage);
    plan.run(none, run, made);

    const lead = this.leadOf(first);
    const { outputShapes, isSingle } = plans.step;
    const values: (Tensor | undefined)[] = [];
    const outputs: Tensor[] = [];
    for (let i = 0; i < places.length; i++) {
      const { at } = places[i];
      const before = values[at];
      const shape = this.elementwise ? lead : lead.concat(outputShapes[i]);
      outputs.push(
        before === undefined ? (values[at] = wrap(backend, made[at], shape)) : new Tensor(before.held.retain(), shape),
      );
    }
    if (training !== undefined) {
      const own: Tensor[] = [];
      const saved = kept.map((at) => {
        const value = values[at];
        if (value !== undefined) return value;
        const tensor = wrap(backend, made[at], [made[at].size]);
        own.push(tensor);
        return tensor;
      });
      recordAll(outputs, this.name, everything, [...everything, ...saved], (grads, all, wanted) => {
        if (isGradEnabled()) {
          return deriveBySteps({
            grads,
            saved: all,
            wanted,
            captured,
            run: (args) => this.eagerly(args, parameters).outputs,
          });
        }
        const counts = [inputs.length, 0, captured.length] as const;
        return runBackward(plans, { grads, saved: all, wanted, run, backend, counts, isMasked: false });
      });
      for (const tensor of own) tensor.dispose();
    }
    return { outputs, isSingle };
  }

  private widthOf({ shape }: Tensor): number {
    return this.elementwise ? 1 : shape[shape.length - 1];
  }

  /** The dimensions in front of the features. */
  private leadOf({ shape }: Tensor): Shape {
    return this.elementwise ? shape : shape.slice(0, -1);
  }

  private asMatrix(x: Tensor): Tensor {
    const width = this.widthOf(x);
    return x.rank === 2 && x.shape[1] === width ? x : reshape(x, [x.size / width, width]);
  }

  private slotOf({ shape, dtype, requiresGrad }: Tensor): Slot {
    return { shape: this.elementwise ? [] : shape.slice(-1), dtype, wantsGrad: requiresGrad };
  }
}

const none: readonly Storage[] = [];
const nothing: readonly Tensor[] = [];

/** Whether a trace serves for these inputs. */
function serves(trace: Remembered, inputs: readonly Tensor[], backend: Backend): boolean {
  if (trace.inputs.length !== inputs.length) return false;
  for (let i = 0; i < inputs.length; i++) if (!hasForm(inputs[i], trace.inputs[i], backend)) return false;
  return true;
}

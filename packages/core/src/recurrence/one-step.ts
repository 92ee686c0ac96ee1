/** A row-wise function as programs of one step: traced once for each signature, run in one go, recorded as one operation. */
import type { Backend, Storage } from '../backend.js';
import type { DType } from '../dtype.js';
import { isFloating } from '../dtype.js';
import { isAnomalyEnabled, isGradEnabled } from '../grad-mode.js';
import { reshape } from '../ops/broadcast.js';
import { isRecorded, recordAll, wrap } from '../record.js';
import { scope } from '../scope.js';
import { sameShape, type Shape } from '../shape.js';
import { Tensor } from '../tensor.js';
import { deriveBySteps } from './derive-by-steps.js';
import { isPlain, looksLike, picture, type Fields } from './fields.js';
import { plansFor, ROWS } from './known-plans.js';
import type { Plans } from './plans.js';
import type { Extent } from './ready-plan.js';
import { readyForward } from './ready-passes.js';
import { runBackward } from './run-backward.js';
import { formingTaps, isGathering } from './tap.js';

/** What a function makes. */
interface Made {
  readonly outputs: readonly Tensor[];
  /** Whether the output came by itself, not in a list. */
  readonly isSingle: boolean;
}

/** A function of matrices `[rows, width]` to lists of tensors `[rows, ...]`. */
type RowFunction = (inputs: readonly Tensor[], parameters: object) => Made;

/** Form of a tensor that goes in. For inputs the shape is that of a row. */
interface Slot {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly wantsGrad: boolean;
}

/** What is remembered for one signature. */
interface Entry {
  /** Not held: a backend that is not used any more should go, with all its memory. */
  readonly backend: WeakRef<Backend>;
  readonly recorded: boolean;
  readonly inputs: readonly Slot[];
  readonly fields: Fields['picture'];
  /** Of the tensors in the parameters. */
  readonly tensors: readonly Slot[];
  /** The programs, and which of these tensors each captured one is; nothing where the function has to run by single operations. */
  readonly road: { readonly plans: Plans; readonly order: readonly number[] } | undefined;
}

const REMEMBERED_AT_MOST = 16;

/** A row-wise function with its traces. */
export class OneStep {
  private readonly name: string;
  private readonly fn: RowFunction;
  /** Of calls whose parameters are a plain object, which says all about itself. */
  private readonly entries: Entry[] = [];
  /** By the parameters, where they are an object of some class. */
  private readonly entriesOf = new WeakMap<object, Entry[]>();

  constructor(name: string, fn: RowFunction) {
    this.name = name;
    this.fn = fn;
  }

  /**
   * @param inputs - checked: all on one backend, with the same leading dimensions
   * @param parameters - what else the function gets
   */
  run(inputs: readonly Tensor[], parameters: object): Made {
    const [{ backend, size }] = inputs;
    if (backend.compile === undefined || size === 0 || isAnomalyEnabled() || isGathering())
      return this.eagerly(inputs, parameters);
    let entries: Entry[] | undefined = this.entries;
    if (!isPlain(parameters)) {
      entries = this.entriesOf.get(parameters);
      if (entries === undefined) this.entriesOf.set(parameters, (entries = []));
    }
    const tensors: Tensor[] = [];
    for (let i = 0; i < entries.length; i++) {
      const { road } = entries[i];
      tensors.length = 0;
      if (!fits(entries[i], backend, inputs, parameters, tensors)) continue;
      if (road === undefined) return this.eagerly(inputs, parameters);
      const captured: Tensor[] = [];
      for (let k = 0; k < road.order.length; k++) captured.push(tensors[road.order[k]]);
      return this.compiled(road.plans, inputs, captured, parameters);
    }
    const before = picture(parameters);
    const found = this.trace(inputs, parameters);
    // A function that changes its parameters while it is traced will not see the same ones next time.
    const isSame = before !== undefined && looksLike(before.picture, parameters, []);
    const entry = isSame ? entryFor(inputs, before, found) : undefined;
    if (entry !== undefined) {
      if (entries.length >= REMEMBERED_AT_MOST) entries.shift();
      entries.push(entry);
    }
    return found === undefined
      ? this.eagerly(inputs, parameters)
      : this.compiled(found.plans, inputs, found.captured, parameters);
  }

  /** By single operations. */
  private eagerly(inputs: readonly Tensor[], parameters: object): Made {
    return scope(() => {
      const lead = leadOf(inputs[0]);
      const asGiven = (y: Tensor): Tensor => reshape(y, [...lead, ...y.shape.slice(1)]);
      const { outputs, isSingle } = formingTaps(asGiven, () => this.fn(inputs.map(asMatrix), parameters));
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
      inputs: inputs.map((x) => ({ shape: [widthOf(x)], dtype, wantsGrad: x.requiresGrad })),
      states: [],
      recorded: isGradEnabled(),
    };
    try {
      const found = plansFor((xs) => ({ ...this.fn(xs, parameters), next: [] }), request, false);
      readyForward(backend, found.plans, undefined); // the backend may refuse a program
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
    const rows = first.size / widthOf(first);
    const everything = isGradEnabled() ? [...inputs, ...captured] : nothing;
    const training = isRecorded(everything) ? plans.training : undefined;
    const { plan, outputs: places, kept } = readyForward(backend, plans, training);
    const run: Extent = { steps: 1, rows, lengths: undefined, resets: undefined };
    const made: Storage[] = [];
    for (let i = 0; i < inputs.length; i++) plan.lend(i, inputs[i].storage);
    for (let i = 0; i < captured.length; i++) plan.lend(inputs.length + i, captured[i].storage);
    plan.run(none, run, made);

    const lead = leadOf(first);
    const { outputShapes, isSingle } = plans.step;
    const values: (Tensor | undefined)[] = [];
    const outputs: Tensor[] = [];
    for (let i = 0; i < places.length; i++) {
      const { at } = places[i];
      const before = values[at];
      const shape = lead.concat(outputShapes[i]);
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
}

const none: readonly Storage[] = [];
const nothing: readonly Tensor[] = [];

function widthOf({ shape }: Tensor): number {
  return shape[shape.length - 1];
}

/** The dimensions in front of the features. */
function leadOf({ shape }: Tensor): number[] {
  return shape.slice(0, -1);
}

function asMatrix(x: Tensor): Tensor {
  return x.rank === 2 ? x : reshape(x, [x.size / widthOf(x), widthOf(x)]);
}

/** What to remember of a trace, if it used nothing but its arguments, and these can be told apart from others. */
function entryFor(
  inputs: readonly Tensor[],
  fields: Fields,
  found: { readonly plans: Plans; readonly captured: readonly Tensor[] } | undefined,
): Entry | undefined {
  const { tensors } = fields;
  // One tensor in two places: next time two may come, and the trace knows of one.
  if (new Set(tensors).size < tensors.length) return undefined;
  const order = found?.captured.map((tensor) => tensors.indexOf(tensor)) ?? [];
  if (order.includes(-1)) return undefined;
  const slot = (x: Tensor, shape: Shape): Slot => ({ shape, dtype: x.dtype, wantsGrad: x.requiresGrad });
  return {
    backend: new WeakRef(inputs[0].backend),
    recorded: isGradEnabled(),
    inputs: inputs.map((x) => slot(x, [widthOf(x)])),
    fields: fields.picture,
    tensors: tensors.map((x) => slot(x, x.shape)),
    road: found && { plans: found.plans, order },
  };
}

/** Whether a trace serves for these arguments. `tensors` gets those in the parameters. */
function fits(
  entry: Entry,
  backend: Backend,
  inputs: readonly Tensor[],
  parameters: object,
  tensors: Tensor[],
): boolean {
  const { recorded } = entry;
  if (entry.backend.deref() !== backend || recorded !== isGradEnabled() || entry.inputs.length !== inputs.length)
    return false;
  for (let i = 0; i < inputs.length; i++) {
    const slot = entry.inputs[i];
    if (slot.shape[0] !== widthOf(inputs[i]) || !isLike(inputs[i], slot, backend, recorded)) return false;
  }
  if (!looksLike(entry.fields, parameters, tensors) || tensors.length !== entry.tensors.length) return false;
  for (let i = 0; i < tensors.length; i++) {
    const slot = entry.tensors[i];
    if (!isLike(tensors[i], slot, backend, recorded) || !sameShape(tensors[i].shape, slot.shape)) return false;
  }
  return true;
}

/** Whether a tensor has a slot's type and place, and wants a gradient where that matters. */
function isLike(x: Tensor, { dtype, wantsGrad }: Slot, backend: Backend, recorded: boolean): boolean {
  return x.dtype === dtype && x.backend === backend && (!recorded || x.requiresGrad === wantsGrad);
}

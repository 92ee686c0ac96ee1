/**
 * Scans that are recorded for `backward` and come again as they were but for the tensors' values:
 * see `bindScan`. What is checked, and found among the traces, once, is not asked again; the run
 * itself is that of any scan.
 */
import { ambient } from '../ambient.js';
import { isRecorded, wrap } from '../record.js';
import type { BoundScan, ScanShapes } from '../scan/bound-scan.js';
import type { Scan } from '../scan/eager.js';
import { sameShape, type Shape } from '../shape.js';
import type { Tensor } from '../tensor.js';
import { countTrace } from './cache/cache-info.js';
import { isPlain } from './cache/guards.js';
import { compiled } from './pipeline.js';
import type { RunResults } from './run/run.js';
import type { CompiledDispatch } from './scan-traces.js';
import { hasForm } from './cache/trace-cache.js';
import type { TensorSpec } from './trace/record-step.js';

/**
 * Binds a recorded scan that starts from zeros, over a batch of sequences as its caller has them.
 *
 * @returns nothing for any other
 */
export function bindRecordedScan(scan: Scan, known: CompiledDispatch, shapes: ScanShapes): BoundScan | undefined {
  const { inputs, states, parameters } = scan;
  const { captured, draws, batched, guards } = known;
  if (parameters === undefined || guards === undefined || !isPlain(parameters)) return undefined;
  if (!batched || draws.length > 0 || shapes.state.length > 0 || !sameShape(shapes.xs.shape, inputs[0].shape))
    return undefined;
  if (isRecorded(states) || !(isRecorded(inputs) || isRecorded(captured))) return undefined;
  return new BoundTraining(scan, known, shapes);
}

const specOf = ({ shape, dtype, requiresGrad }: Tensor): TensorSpec => ({ shape, dtype, wantsGrad: requiresGrad });
const none: readonly Tensor[] = [];

class BoundTraining implements BoundScan {
  /** Without its tensors, which others may take the places of. */
  private readonly scan: Scan;
  private readonly known: CompiledDispatch;
  /** Without the steps, of which there may be any number. */
  private readonly input: TensorSpec;
  private readonly captured: readonly TensorSpec[];
  private readonly states: readonly Shape[];
  private readonly last: readonly Shape[];

  constructor(scan: Scan, known: CompiledDispatch, { last }: ScanShapes) {
    this.scan = { ...scan, inputs: none, states: none };
    this.known = { ...known, guards: undefined }; // it is bound here, and nowhere else
    const [x] = scan.inputs;
    this.input = { ...specOf(x), shape: x.shape.slice(1) };
    this.captured = known.captured.map(specOf);
    this.states = scan.states.map(({ shape }) => shape);
    this.last = last;
  }

  serves(xs: Tensor, state: readonly Tensor[] = none): boolean {
    if (!ambient.recording.value || ambient.checking.value || ambient.tracing.value) return false;
    if (ambient.compile.value === 'never' || state.length > 0) return false;
    const { backend } = xs;
    if (!hasForm(xs, this.input, backend, 1) || xs.size === 0) return false;
    const { captured } = this.known;
    for (let i = 0; i < captured.length; i++)
      if (captured[i].isDisposed || !hasForm(captured[i], this.captured[i], backend, 0)) return false;
    return true;
  }

  run(xs: Tensor): RunResults {
    const { backend, dtype } = xs;
    const states: Tensor[] = [];
    try {
      // Tensors of one shape start from the same zeros.
      for (const shape of this.states) {
        const before = states.at(-1);
        const isSame = before !== undefined && sameShape(before.shape, shape);
        states.push(isSame ? before : wrap(backend, backend.fill(0, shape[0] * shape[1], dtype), shape));
      }
      countTrace(true);
      const extent = { ...this.scan.extent, steps: xs.shape[0] };
      return compiled({ ...this.scan, inputs: [xs], states, extent }, this.known, this.last);
    } finally {
      for (const state of states) state.dispose();
    }
  }
}

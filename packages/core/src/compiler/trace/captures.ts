/**
 * What a recorded step finds around it: tensors of a real backend, which are lifted, and random
 * numbers, which become inputs.
 */
import { checkSameBackend } from '../../checks/tensors.js';
import type { Backend } from '../../backend.js';
import { TraceError } from '../../errors.js';
import type { Draw } from '../../ops/draw.js';
import { showShape, sizeOf, type Shape } from '../../shape.js';
import type { Tensor } from '../../tensor.js';
import type { TracedDraw } from '../../scan/random.js';
import type { Recorder } from './recorder.js';
import type { RecordedStorage } from './recording.js';
import { symbol } from './symbolic-backend.js';

/** Where a step is recorded. */
interface Surroundings {
  readonly backend: Backend;
  readonly rows: number;
  readonly batched: boolean;
  /** Tensors that it may capture and whose first dimension is the batch. */
  readonly perRow?: ReadonlySet<Tensor>;
}

export class Captures {
  /** Tensors of the real backend that the step used, in the order of their first use. */
  readonly captured: Tensor[] = [];
  /** What the step drew, in the order of its calls. */
  readonly draws: TracedDraw[] = [];
  readonly capturedStorages: RecordedStorage[] = [];
  readonly drawnStorages: RecordedStorage[] = [];
  /** By tensor: two may share their memory and still be two leaves. */
  readonly lifted: Map<Tensor, Tensor> = new Map();
  /** Captured tensors that have a row for each of the batch. */
  readonly perRow: ReadonlySet<Tensor>;
  private readonly recorder: Recorder;
  private readonly real: Backend;
  private readonly rows: number;
  private readonly batched: boolean;

  constructor(recorder: Recorder, { backend, rows, batched, perRow = new Set() }: Surroundings) {
    this.recorder = recorder;
    this.perRow = perRow;
    this.real = backend;
    this.rows = rows;
    this.batched = batched;
  }

  /**
   * What stands for a tensor of the real backend; nothing for what the trace itself made, and for
   * what was freed.
   */
  readonly liftedFor = (tensor: Tensor): Tensor | undefined => {
    const { captured, real, recorder } = this;
    const { backend, storage } = tensor.home;
    if (backend === recorder || tensor.isDisposed) return undefined;
    checkSameBackend('scan', 'a tensor of the step', backend, real, 'xs');
    let lifted = this.lifted.get(tensor);
    if (lifted === undefined) {
      const end = recorder.end(tensor.size, storage.dtype);
      lifted = symbol(recorder, end, tensor.shape, tensor.requiresGrad).keep();
      this.lifted.set(tensor, lifted);
      captured.push(tensor);
      this.capturedStorages.push(end);
    }
    return lifted;
  };

  /** What stands for a random tensor, which is drawn at each run. */
  readonly drawInput = ({ shape, dtype, backend, generator, fill, perSequence }: Draw): Tensor => {
    if (backend !== this.recorder) throw new TraceError('the step draws random numbers on another backend');
    if (this.batched && shape[0] !== this.rows) {
      throw new TraceError(`the step draws random numbers of shape ${showShape(shape)}, without the batch in front`);
    }
    const end = this.recorder.end(sizeOf(shape), dtype);
    this.drawnStorages.push(end);
    this.draws.push({ width: sizeOf(shape) / this.rows, dtype, generator, fill, perSequence });
    return symbol(this.recorder, end, [...shape], false);
  };

  /** Forgets the lifted constants, which outlive the scopes of the step. */
  release(): void {
    for (const lifted of this.lifted.values()) lifted.dispose();
  }
}

/** The shape of a tensor of a step, with its rows if it has a batch. */
export function withRows(batched: boolean, rows: number, shape: Shape): Shape {
  return batched ? [rows, ...shape] : shape;
}
